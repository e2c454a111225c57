package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gotest.tools/v3/assert"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/store"
)

const planted = plant.Marker

func (w *world) transaction(t *testing.T, id int64) store.Transaction {
	t.Helper()
	row, found, err := w.Transactions("berbix").Get(t.Context(), id)
	assert.Assert(t, err == nil && found, "transaction %d: found %t, %v", id, found, err)
	return row
}

func TestRecordOne(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		const id = 9007199254740993
		args := []string{"record", "--transaction-id", fmt.Sprint(id)}
		w.run(t, planted+"\n", append(args, "--customer-uid", "c-1", "--account", "shop-2")...).want(t, exitDone,
			"transaction 9007199254740993: recorded")
		row := w.transaction(t, id)
		if row.RefreshToken.Reveal() != planted || row.CustomerUID != "c-1" || row.Account != "shop-2" || row.Status != store.StatusActive {
			t.Errorf("row %+v", row)
		}
		w.hasRow(t, "berbix", "shop-2", true)
		w.run(t, "", append(args, "--status", "completed", "--json")...).want(t, exitDone, `{"outcome":"recorded","transaction_id":9007199254740993}`)
		if row := w.transaction(t, id); row.Status != store.StatusCompleted || !row.RefreshToken.IsZero() || row.Account != "shop-2" {
			t.Errorf("row %+v", row)
		}
	})
}

// A text that is no refresh token does not replace a refresh token.
func TestRecordRefusesWhatIsNoToken(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	one := []string{"record", "--transaction-id", "7"}
	w.run(t, `{"refresh_token":"`+planted+`"}`+"\n", one...).want(t, exitDone, "recorded")
	for text, says := range map[string]string{
		planted + "\n" + planted:                                 "white space",
		planted + " " + planted:                                  "white space",
		planted + `{"a"`:                                         "there is a {",
		`{"refresh_token":"` + planted:                           "not a JSON object",
		`{"token":"` + planted + `"}`:                            `"refresh_token" is missing`,
		`{"refresh_token":"a b"}`:                                "white space",
		`{"refresh_token":"` + "\\n" + `"}`:                      `"refresh_token" is missing`,
		`{"refresh_token":"` + planted + `","transaction_id":8}`: "transaction_id: a whole record is for --file",
	} {
		w.run(t, text, one...).want(t, exitUsage, says)
	}
	got := w.transaction(t, 7).RefreshToken.Reveal()
	assert.Check(t, got == planted, "the token is %q", got)
}

// write makes a file of that name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	assert.NilError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestRecordFile(t *testing.T) {
	inHomes(t, func(t *testing.T, w *world) {
		lines := write(t, "some.jsonl", "\ufeff"+`{"transaction_id":1,"refresh_token":"`+planted+`-1","customer_uid":"c-1"}

{"transaction_id":2,"refresh_token":"`+planted+`-2","account":"shop-2"}
{"transaction_id":1,"status":"completed"}
{"transaction_id":3,"refresh_token":"`+planted+`-3","recorded_at":"2020-01-02T03:04:05Z"}`)
		for range 2 { // the same file again harms nothing
			w.run(t, "", "record", "--file", lines).want(t, exitDone, "lines 1 to 5: 4 recorded, 0 superseded by a later record, 0 refused")
		}
		got := w.transaction(t, 1)
		assert.Check(t, got.Status == store.StatusCompleted && got.CustomerUID == "c-1", "1: %+v", got)
		got = w.transaction(t, 2)
		assert.Check(t, got.Account == "shop-2" && got.RefreshToken.Reveal() == planted+"-2", "2: %+v", got)
		cells := write(t, "some.csv", "transaction_id, refresh_token,status,recorded_at,ttl\r\n"+
			`4,"`+planted+`,""4""",,,1900000000`+"\r\n"+
			"3,older,,2019-01-02T03:04:05Z,\n"+
			"2,,deleted,,")
		w.run(t, "", "record", "--file", cells, "--json").want(t, exitDone,
			`{"from_line":1,"until_line":4,"recorded":2,"superseded":1,"refused":0,"failed":0}`)
		if got := w.transaction(t, 4); got.RefreshToken.Reveal() != planted+`,"4"` || got.ExpiresAt.Unix() != 1900000000 {
			t.Errorf("4: %+v", got)
		}
		got = w.transaction(t, 2)
		assert.Check(t, got.Status == store.StatusDeleted, "2: %+v", got)
		left, err := filepath.Glob(lines + "?*")
		assert.Check(t, err == nil && len(left) == 0, "left behind: %v, %v", left, err)
	})
}

func TestRecordStandardInput(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.run(t, `{"transaction_id":1,"refresh_token":"`+planted+`"}`, "record", "--file", "-").want(t, exitDone, "1 recorded")
	w.run(t, "refresh_token,transaction_id\n"+planted+",2\n", "record", "--file", "-", "--format", "csv", "--account", "shop").want(t, exitDone, "1 recorded")
	got := w.transaction(t, 2)
	assert.Check(t, got.Account == "shop", "2: %+v", got)
}

// A wrong line is reported by number and field, and does not affect others.
func TestRecordTellsOfBadLines(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	const good = `{"transaction_id":%d,"refresh_token":"` + planted + `"}` + "\n"
	lines := write(t, "bad.jsonl", fmt.Sprintf(good, 1)+
		"{\"transaction_id\":2,\"refresh_token\":\""+planted+"\n"+ // cut off
		`{"transaction_id":"3","refresh_token":"`+planted+`"}`+"\n"+
		`{"transaction_id":4}`+"\n"+
		`{"transaction_id":5,"refresh_token":"`+planted+`","token":"`+planted+`"}`+"\n"+
		`["`+planted+`"]`+"\n"+
		`{"transaction_id":7,"refresh_token":"`+strings.Repeat(planted, 6000)+`"}`+"\n"+
		`{"transaction_id":8,"refresh_token":"`+planted+`","ttl":1}`+"\n"+
		fmt.Sprintf(good, 9))
	got := w.run(t, "", "record", "--file", lines)
	got.want(t, exitPartly, "2 recorded", "7 refused", "line 2: record: must be a JSON object",
		`line 3: record field "transaction_id"`, `line 4: record field "refresh_token": is missing`, `line 5: record field "token"`,
		"line 6: record: must be a JSON object", "line 7: the line is longer than 64 KiB", "line 8: record transaction 8", "ttl is in the past")
	w.transaction(t, 9)

	cells := write(t, "bad.csv", "transaction_id,refresh_token\n10,"+planted+"\n11,"+planted+",more\n12,\""+planted+"\nx"+planted+","+planted+"\n14,"+planted)
	w.run(t, "", "record", "--file", cells).want(t, exitPartly, "2 recorded", "3 refused",
		"line 3: record: has 3 cells, the header 2", "line 4: record: is no line of CSV", `line 5: record field "transaction_id"`)
	w.transaction(t, 14)
}

func TestRecordRefusesAHeader(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	for text, says := range map[string]string{
		"":                             "the header is missing",
		"1," + planted + "\n":          "it is a record, and no header",
		"transaction_id,token\n":       `column 2 of the header, "token", is none of transaction_id`,
		"transaction_id,t0k3n\n":       "column 2 of the header is none of transaction_id",
		"refresh_token\n":              `lacks "transaction_id"`,
		"ttl,ttl\n":                    "twice",
		"\"transaction_id\n" + planted: "line 1",
	} {
		w.run(t, "", "record", "--file", write(t, "f.csv", text)).want(t, exitFailed, says)
	}
	w.run(t, "", "record", "--file", filepath.Join(t.TempDir(), "none.csv")).want(t, exitFailed, "no such file")
}
