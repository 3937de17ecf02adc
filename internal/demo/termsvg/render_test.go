package main

import (
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestScreenIsWhatIsLeftOfTheOutput(t *testing.T) {
	green := attribute{colour: "32"}
	for name, test := range map[string]struct {
		text string
		want [][]run
	}{
		"plain lines":                   {"a\nb\n", [][]run{{{text: "a"}}, {{text: "b"}}}},
		"a colour and its end":          {"\x1b[32mok\x1b[0m go", [][]run{{{text: "ok", attribute: green}, {column: 2, text: " go"}}}},
		"two attributes at once":        {"\x1b[1;32mok", [][]run{{{text: "ok", colour: "32", bold: true}}}},
		"a line that was written over":  {"wait\rdone\n", [][]run{{{text: "done"}}}},
		"a line that was erased":        {"waiting\r\x1b[Kdone\n", [][]run{{{text: "done"}}}},
		"an erased line is empty again": {"waiting\r\x1b[K\nx", [][]run{nil, {{text: "x"}}}},
		"columns count characters":      {"✓ \x1b[32mok", [][]run{{{text: "✓ "}, {column: 2, text: "ok", attribute: green}}}},
		"a sequence that is cut off":    {"a\x1b[3", [][]run{{{text: "a"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := render(test.text)
			for i, line := range got {
				if len(line) == 0 {
					got[i] = nil
				}
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("render = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestPictureIsXMLAndHoldsTheText(t *testing.T) {
	picture := draw(render("\x1b[32ma<b> & \"c\"\x1b[0m\n  two\n"))
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, picture)
		}
		if data, ok := token.(xml.CharData); ok {
			text.Write(data)
		}
	}
	for _, want := range []string{`a<b> & "c"`, "two"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}
