package hesabe_test

import (
	"testing"

	"tokenrefresh/internal/plant"
	"tokenrefresh/pkg/providers/exchange"
	"tokenrefresh/pkg/providers/hesabe"
	"tokenrefresh/pkg/providers/internal/fuzz"
)

func FuzzRead(f *testing.F) {
	fuzz.Read(f, "hesabe", true, hesabe.Read,
		documented, good, notFound, badLogin, invalidData, localised, broken, page, "", "null",
		`{"response":{"token":[]}}`, `{"status":false,"response":{"token":`+token+`}}`,
	)
}

func FuzzOpen(f *testing.F) {
	fuzz.Open(f, hesabe.New(exchange.New(exchange.Options{}), "sandbox"),
		`{"username":"`+plant.Marker+`","password":"`+plant.Marker+`"}`,
		`{"username":"u","password":"`+plant.Marker+`","base_url":"https://api.example/hesabe/"}`,
		`{"base_url":"http://[::1]:8080"}`,
		`{"username":7,"base_url":"http://`+plant.Marker+`.example"}`,
	)
}
