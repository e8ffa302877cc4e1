package main

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMessageGoldens(t *testing.T) {
	for _, row := range []struct {
		name    string
		entries []messageEntry
		want    string
	}{
		{"internal", []messageEntry{internalEntry("StartedAt", "2026-01-02T03:04:05.678Z")}, `[{"key":"StartedAt","value":"2026-01-02T03:04:05.678Z","type":3}]`},
		{"all kinds", []messageEntry{{Key: "a", Value: `["x"]`, Type: 1}, {Key: "s", Value: "<&>\n", Type: 4}, {Key: "/p", Value: "{}", Type: 5}, {Key: "/q", Value: "é", Type: 6}},
			`[{"key":"a","value":"[\"x\"]","type":1},{"key":"s","value":"<&>\n","type":4},{"key":"/p","value":"{}","type":5},{"key":"/q","value":"é","type":6}]`},
		{"old resource", []messageEntry{{Key: "d", Value: "1", ResourceName: "image", Type: 2}}, `[{"key":"d","value":"1","resourceName":"image","type":2}]`},
	} {
		got, err := encodeMessage(row.entries, false)
		if err != nil || string(got) != row.want {
			t.Errorf("%s: %s (%v), want %s", row.name, got, err, row.want)
		}
		if back, err := decodeMessage(got); err != nil || !reflect.DeepEqual(back, row.entries) {
			t.Errorf("%s: back %+v (%v)", row.name, back, err)
		}
	}
}

// The compressed form as upstream's and this project's controllers read it, made by another implementation of DEFLATE
// (zlib).
func TestCompressedGolden(t *testing.T) {
	const packed = "tknz:i65Wyk6tVLJSKlLSUSpLzClNBbIrKABAY0oqC4CmGNbGAgA"
	want := []messageEntry{{Key: "r", Value: strings.Repeat("x", 60), Type: typeTaskResult}}
	got, err := decodeMessage([]byte(packed))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestCompressionFallsBackToTheSmallerForm(t *testing.T) {
	small := []messageEntry{{Key: "r", Value: "x", Type: typeTaskResult}}
	if got, _ := encodeMessage(small, true); string(got) != `[{"key":"r","value":"x","type":1}]` {
		t.Errorf("a small message: %s", got)
	}
	large := []messageEntry{{Key: "r", Value: strings.Repeat("x", 60), Type: typeTaskResult}}
	if got, _ := encodeMessage(large, true); !strings.HasPrefix(string(got), compressedPrefix) {
		t.Errorf("a large message: %s", got)
	}
}

func TestWriteMessageExtendsWhatIsThere(t *testing.T) {
	for _, row := range []struct {
		name, before string
		compress     bool
		want         []string
	}{
		{"nothing", "", false, []string{"new"}},
		{"not a message", "a panic", false, []string{"new"}},
		{"a message", `[{"key":"old","value":"1","type":1}]`, false, []string{"old", "new"}},
		{"a compressed message", "tknz:i65Wyk6tVLJSKlLSUSpLzClNBbIrKABAY0oqC4CmGNbGAgA", false, []string{"r", "new"}},
		{"a message with type names", `[{"key":"a","value":"1","type":"TaskRunResult"},{"key":"b","value":"1","type":"InternalTektonResult"}]`, false, []string{"a", "b", "new"}},
		{"an unknown type name", `[{"key":"a","value":"1","type":"Nonsense"}]`, false, []string{"new"}},
		{"compressing", `[{"key":"old","value":"1","type":1}]`, true, []string{"old", "new"}},
	} {
		path := filepath.Join(t.TempDir(), "termination")
		if err := os.WriteFile(path, []byte(row.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writeMessage(path, []messageEntry{{Key: "new", Value: strings.Repeat("y", 200), Type: typeTaskResult}}, messageForm{maxMessageSize, row.compress}); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		content, _ := os.ReadFile(path)
		entries, err := decodeMessage(content)
		var keys []string
		for _, entry := range entries {
			keys = append(keys, entry.Key)
		}
		if err != nil || !reflect.DeepEqual(keys, row.want) || strings.HasPrefix(string(content), compressedPrefix) != row.compress {
			t.Errorf("%s: keys %v in %s (%v)", row.name, keys, content, err)
		}
	}
}

func TestMessageLimit(t *testing.T) {
	overhead := len(`[{"key":"r","value":"","type":1}]`)
	for _, row := range []struct {
		name        string
		limit, size int
		want        string
	}{
		{"exactly full", 4096, 4096 - overhead, ""},
		{"one more", 4096, 4096 - overhead + 1, `task result "r" has 4064 bytes; all that this step reports takes 4097, and may have 4096`},
		{"a lower limit, exactly full", 409, 409 - overhead, ""},
		{"a lower limit, one more", 409, 409 - overhead + 1, `task result "r" has 377 bytes; all that this step reports takes 410, and may have 409`},
	} {
		path := filepath.Join(t.TempDir(), "termination")
		err := writeMessage(path, []messageEntry{{Key: "r", Value: strings.Repeat("x", row.size), Type: typeTaskResult}}, messageForm{messageLimit: row.limit})
		info, statErr := os.Stat(path)
		if row.want == "" {
			if err != nil || statErr != nil || info.Size() != int64(row.limit) {
				t.Errorf("%s: %v, file %v (%v)", row.name, err, info, statErr)
			}
			continue
		}
		var tooLong *messageTooLongError
		if !errors.As(err, &tooLong) || tooLong.detail() != row.want || statErr == nil {
			t.Errorf("%s: %v, file %v", row.name, err, info)
		}
	}
}

// Whatever the limit, the entrypoint's own words fit, the most telling of them last to go.
func TestOwnMessageFitsEveryLimit(t *testing.T) {
	own := []messageEntry{internalEntry("StartedAt", "2026-01-02T03:04:05.678Z"), internalEntry("Reason", reasonResultTooLarge), internalEntry("Message", strings.Repeat(`"é`, 300))}
	for _, row := range []struct {
		limit int
		keys  string
	}{{4096, "StartedAt Reason Message"}, {409, "StartedAt Reason Message"}, {200, "StartedAt Reason Message"}, {150, "StartedAt Reason"}, {100, "Reason"}, {80, "Reason"}} {
		path := filepath.Join(t.TempDir(), "termination")
		if err := os.WriteFile(path, []byte(`[{"key":"old","value":"`+strings.Repeat("x", 4000)+`","type":1}]`), 0o600); err != nil {
			t.Fatal(err)
		}
		err := writeOwnMessage(path, own, messageForm{messageLimit: row.limit})
		content, _ := os.ReadFile(path)
		entries, decodeErr := decodeMessage(content)
		var keys []string
		for _, entry := range entries {
			keys = append(keys, entry.Key)
		}
		if err != nil || decodeErr != nil || strings.Join(keys, " ") != row.keys || len(content) > row.limit {
			t.Errorf("limit %d: keys %v in %d bytes (%v, %v), want %s", row.limit, keys, len(content), err, decodeErr, row.keys)
		}
	}
}

func TestInflationIsCapped(t *testing.T) {
	bomb, err := compressMessage([]byte(`[{"key":"r","value":"` + strings.Repeat("x", maxInflatedSize) + `","type":1}]`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeMessage(bomb); err == nil || !strings.Contains(err.Error(), "more than 131072 bytes") {
		t.Errorf("got %v", err)
	}
}

func FuzzMessageRoundTrip(f *testing.F) {
	f.Add("key", "value", 1, true)
	f.Add("", "<>&\u2028\\\"\x00", 3, false)
	f.Add("k", strings.Repeat("ab", 3000), 4, true)
	f.Fuzz(func(t *testing.T, key, value string, kind int, compress bool) {
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			t.Skip("JSON has no other strings")
		}
		entries := []messageEntry{{Key: key, Value: value, Type: entryType(kind)}, internalEntry(key, key)}
		encoded, err := encodeMessage(entries, compress)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := encodeMessage(entries, false)
		if len(encoded) > len(plain) {
			t.Errorf("the compressed form is longer")
		}
		if len(plain) > maxInflatedSize {
			return
		}
		if back, err := decodeMessage(encoded); err != nil || !reflect.DeepEqual(back, entries) {
			t.Errorf("back %+v (%v), want %+v", back, err, entries)
		}
	})
}

func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte("tknz:i65Wyk6tVLJSKlLSUSpLzClNBbIrKABAY0oqC4CmGNbGAgA"))
	f.Add([]byte(`[{"key":"a","value":"b","type":"TaskRunResult"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if entries, err := decodeMessage(data); err == nil {
			if _, err := encodeMessage(entries, true); err != nil {
				t.Errorf("decoded but not encodable: %v", err)
			}
		}
	})
}
