package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// recordVersion is the form of a record. An agent leaves alone what has a newer
// one.
const recordVersion = 1

// maxRecord bounds a record in bytes.
const maxRecord = 64 << 10

// Entry is an instance of the team's.
type Entry struct {
	// ID is the instance's.
	ID       string
	Instance protocol.SharedInstance
	// Confidential is true where the record has a client secret. It is the bucket's to
	// say: Publish goes by ClientSecret.
	Confidential bool
	// ClientSecret is empty where there is none, or where Problem says why it could
	// not be opened.
	ClientSecret secret.Text
	Problem      error
	// Unusable says why this agent can take nothing from the record but its id: it is
	// damaged, or of a newer version. It is no withdrawal.
	Unusable error
	// Revision is the bucket's, for the next write.
	Revision uint64
}

// record is the value of a key of the bucket.
type record struct {
	Version      int                     `json:"version"`
	Instance     protocol.SharedInstance `json:"instance"`
	ClientSecret *sealed                 `json:"clientSecret,omitempty"`
}

// keyPrefix begins the keys of instances. What has another is none.
const keyPrefix = "instance."

// keyOf makes a key of an id. The keys of a bucket have few characters.
func keyOf(id string) string { return keyPrefix + base64.RawURLEncoding.EncodeToString([]byte(id)) }

func idOf(key string) (string, bool) {
	encoded, ok := strings.CutPrefix(key, keyPrefix)
	id, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(id), ok && err == nil
}

// encode makes the value of a key.
func encode(e Entry, key teamKey) ([]byte, error) {
	r := record{Version: recordVersion, Instance: e.Instance}
	if !e.ClientSecret.IsEmpty() {
		box, err := key.seal(e.ClientSecret.Reveal(), keyOf(e.ID), e.Instance.ClientID)
		if err != nil {
			return nil, err
		}
		r.ClientSecret = &box
	}
	return json.Marshal(r)
}

// decode reads the record of an instance. The instance's settings are not checked.
func decode(id string, value []byte, revision uint64, team teamKey) Entry {
	e := Entry{ID: id, Revision: revision}
	if len(value) > maxRecord {
		e.Unusable = fmt.Errorf("its record is larger than %d KiB", maxRecord>>10)
		return e
	}
	var r record
	err := json.Unmarshal(value, &r)
	switch {
	case r.Version > recordVersion: // whose other members may be of other types
		e.Unusable = fmt.Errorf("its record has the form %d, and this agent knows %d: update the editor's extension", r.Version, recordVersion)
		return e
	case err != nil || r.Version != recordVersion:
		e.Unusable = errors.New("its record cannot be read")
		return e
	}
	e.Instance, e.Confidential = r.Instance, r.ClientSecret != nil
	if e.Confidential {
		plain, err := team.open(*r.ClientSecret, keyOf(id), r.Instance.ClientID)
		e.ClientSecret, e.Problem = secret.New(plain), err
	}
	return e
}
