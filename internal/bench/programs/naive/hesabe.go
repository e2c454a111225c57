package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// refresh presents the refresh token to Hesabe.
func refresh(ctx context.Context, baseURL, refreshToken string) (tokens, error) {
	body, err := json.Marshal(map[string]string{"refreshToken": refreshToken})
	if err != nil {
		return tokens{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/api/v1/token-refresh", bytes.NewReader(body))
	if err != nil {
		return tokens{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	issued := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return tokens{}, err
	}
	defer resp.Body.Close()
	reply, err := io.ReadAll(resp.Body)
	if err != nil {
		return tokens{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return tokens{}, fmt.Errorf("hesabe: HTTP %d", resp.StatusCode)
	}
	var envelope struct {
		Response struct {
			Token struct {
				AccessToken  string `json:"access_token"`
				RefreshToken string `json:"refresh_token"`
				TokenType    string `json:"token_type"`
				ExpiresIn    int    `json:"expires_in"`
			} `json:"token"`
		} `json:"response"`
	}
	if err := json.Unmarshal(reply, &envelope); err != nil {
		return tokens{}, err
	}
	t := envelope.Response.Token
	return tokens{
		AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, TokenType: t.TokenType,
		IssuedAt: issued, AccessExpiresAt: issued.Add(time.Duration(t.ExpiresIn) * time.Second),
	}, nil
}
