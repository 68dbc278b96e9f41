package schemas

import "testing"

func BenchmarkDecodeContact(b *testing.B) {
	payload := NewEncoder[Contact]().Append(nil, typicalContact())
	d, err := NewDecoder[Contact](Of[Contact]().JSON)
	if err != nil {
		b.Fatal(err)
	}
	var rec Contact
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(payload, &rec); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeContact(b *testing.B) {
	e := NewEncoder[Contact]()
	rec := typicalContact()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.Append(dst[:0], rec)
	}
}
