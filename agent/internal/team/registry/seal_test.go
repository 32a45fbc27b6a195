package registry

import (
	"bytes"
	"errors"
	"testing"
)

var (
	ourKey   = teamKey(bytes.Repeat([]byte{1}, keySize))
	otherKey = teamKey(bytes.Repeat([]byte{2}, keySize))
)

func TestASealedSecretIsBoundToItsPlace(t *testing.T) {
	box, err := ourKey.seal(testSecret, "place", "id")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(box.Box, []byte(testSecret)) {
		t.Error("the secret is in the clear")
	}
	again, err := ourKey.seal(testSecret, "place", "id")
	if err != nil || bytes.Equal(box.Box, again.Box) {
		t.Errorf("two boxes of one secret are the same: %v", err)
	}
	damaged := sealed{box.Key, bytes.Clone(box.Box)}
	damaged.Box[len(damaged.Box)-1] ^= 1
	for name, c := range map[string]struct {
		key             teamKey
		box             sealed
		place, clientID string
		want            error
	}{
		"as it was sealed":    {ourKey, box, "place", "id", nil},
		"another place":       {ourKey, box, "elsewhere", "id", errNotSealed},
		"another application": {ourKey, box, "place", "other", errNotSealed},
		"moved line":          {ourKey, box, "place\nid", "", errNotSealed},
		"damaged":             {ourKey, damaged, "place", "id", errNotSealed},
		"empty":               {ourKey, sealed{Key: box.Key}, "place", "id", errNotSealed},
		"another key":         {otherKey, box, "place", "id", errOtherTeamKey},
		"another key's name":  {otherKey, sealed{otherKey.id(), box.Box}, "place", "id", errNotSealed},
		"no key":              {nil, box, "place", "id", errNoTeamKey},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.key.open(c.box, c.place, c.clientID)
			if !errors.Is(err, c.want) || err == nil && got != testSecret || err != nil && got != "" {
				t.Errorf("it opens as %q, %v; want %v", got, err, c.want)
			}
		})
	}
	if _, err := teamKey(nil).seal(testSecret, "place", "id"); !errors.Is(err, errNoTeamKey) {
		t.Errorf("sealing without a key is answered %v", err)
	}
}

func TestANewTeamKeyCanBeRead(t *testing.T) {
	one, err := readDecorated([]byte(userJWT + NewTeamKey()))
	if err != nil || len(one.teamKey) != keySize {
		t.Fatalf("it is read as %v, %v", one.teamKey, err)
	}
	other, err := readDecorated([]byte(userJWT + NewTeamKey()))
	if err != nil || bytes.Equal(one.teamKey, other.teamKey) {
		t.Errorf("two keys are the same: %v", err)
	}
}
