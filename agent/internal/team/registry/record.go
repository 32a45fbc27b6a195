package registry

import (
	"encoding/base64"
	"encoding/json"
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
	// Confidential is true where the application has a client secret.
	Confidential bool
	// ClientSecret is empty where there is none, or where Problem says why it could
	// not be opened.
	ClientSecret secret.Text
	Problem      error
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

// decode reads the value of a key. The instance's settings are not checked.
func decode(key string, value []byte, revision uint64, team teamKey) (Entry, error) {
	id, ok := idOf(key)
	if !ok || len(value) > maxRecord {
		return Entry{}, fmt.Errorf("the record %q is none of an instance", key)
	}
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		return Entry{}, fmt.Errorf("the record of %s cannot be read", id)
	}
	if r.Version != recordVersion {
		return Entry{}, fmt.Errorf("the record of %s has the form %d, and this agent knows %d: update the editor's extension", id, r.Version, recordVersion)
	}
	e := Entry{ID: id, Instance: r.Instance, Confidential: r.ClientSecret != nil, Revision: revision}
	if e.Confidential {
		plain, err := team.open(*r.ClientSecret, key, r.Instance.ClientID)
		e.ClientSecret, e.Problem = secret.New(plain), err
	}
	return e, nil
}
