package berbix_test

import (
	"testing"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers/berbix"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/internal/fuzz"
)

func FuzzRead(f *testing.F) {
	fuzz.Read(f, "berbix", false, berbix.Read,
		good, failed, page, "", "null", `{"access_token":"a","transaction_id":"1e3","expires_in":"x"}`,
	)
}

func FuzzOpen(f *testing.F) {
	fuzz.Open(f, berbix.New(exchange.New(exchange.Options{}), "sandbox"),
		`{"api_secret":"`+plant.Marker+`"}`,
		`{"api_secret":"`+plant.Marker+`","base_url":"https://api.example"}`,
		`{"api_secret":[],"base_url":"https://u:`+plant.Marker+`@api.example"}`,
	)
}
