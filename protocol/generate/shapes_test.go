package main

import (
	"encoding/json"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Shape has one field of each kind. It refers to [Color].
type Shape struct {
	// Title is shown to people; CornerCount is not.
	Title       string  `json:"title"`
	CornerCount int     `json:"cornerCount,omitempty"` // CornerCount is how many.
	Area        float64 `json:"area,omitzero"`
	Round       *bool   `json:"round"`
	// First, Second and Third describe the sides.
	First    string                         `json:"first"`
	Second   string                         `json:"second"`
	Third    string                         `json:"third"`
	Color    Color                          `json:"color"`
	Parts    []Shape                        `json:"parts,omitempty"`
	Parent   *Shape                         `json:"parent,omitempty"`
	Labels   map[string]string              `json:"labels"`
	Made     time.Time                      `json:"made"`
	Extra    json.RawMessage                `json:"extra,omitempty"`
	Progress protocol.ProgressToken         `json:"progress,omitzero"`
	Query    map[string]protocol.QueryValue `json:"query,omitempty"`
	Hidden   string                         `json:"-"`
}

// Color is how it looks.
type Color string

// The values of [Color].
const (
	Red   Color = "red"  // like a rose
	Azure Color = "blue" // Azure is like the sky
)

// Level is a number with names.
type Level int

// The values of [Level].
const (
	// Low: near the ground.
	Low Level = -1
	// High: above the clouds.
	High Level = 0x10
)

// What the protocol has no place for.
type (
	// Bare has no constants.
	Bare string
	// Tagless has a field without a name on the wire.
	Tagless struct{ Field string }
	// Embedding embeds.
	Embedding struct{ Shape }
	// Quoting writes a number as a string.
	Quoting struct {
		N int `json:"n,string"`
	}
	// Deep has what it may not have, deep inside.
	Deep struct {
		Channels []chan int `json:"channels"`
	}
	// Own writes itself.
	Own struct{}
)

// MarshalJSON makes it a special.
func (Own) MarshalJSON() ([]byte, error) { return []byte("1"), nil }
