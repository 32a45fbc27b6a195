package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// maxCredentials bounds a credentials file in bytes.
const maxCredentials = 64 << 10

// Credentials are who a member is for the registry, and the team's key. They come
// from one file, in one of two forms: that of NATS (nsc's "creds" file, a JSON Web
// Token with its seed), with a block for the team's key added at its end:
//
//	-----BEGIN CODESTREAM TEAM KEY-----
//	base64 of 32 bytes
//	------END CODESTREAM TEAM KEY------
//
// or JSON, for servers with users and passwords or a token:
//
//	{"user": "…", "password": "…", "teamKey": "base64 of 32 bytes"}
//	{"token": "…", "teamKey": "…"}
//
// The team's key may be left out where no instance has a client secret.
type Credentials struct {
	option  nats.Option // nil: none
	teamKey teamKey
	secrets []secret.Text
	read    fileState
}

// fileState tells a file from a newer one.
type fileState struct {
	modified time.Time
	size     int64
}

// stateOf returns the state of a file, the zero state where there is none.
func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.ModTime(), info.Size()}
}

// readCredentials reads a credentials file; none where path is empty.
func readCredentials(path string) (Credentials, error) {
	if path == "" {
		return Credentials{}, nil
	}
	state := stateOf(path)
	text, err := readPrivate(path)
	if err != nil {
		return Credentials{}, badCredentials(path, err.Error())
	}
	var c Credentials
	if bytes.Contains(text, []byte("-----BEGIN NATS USER JWT-----")) {
		c, err = readDecorated(text)
	} else {
		c, err = readJSON(text)
	}
	if err != nil {
		return Credentials{}, badCredentials(path, err.Error())
	}
	c.read = state
	return c, nil
}

// readPrivate reads a file that nobody but the user may read.
func readPrivate(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is not a regular file")
	case isOpenToOthers(info):
		return nil, fmt.Errorf("other users can read it (mode %04o); make it 0600", info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(file, maxCredentials+1))
	if len(text) > maxCredentials {
		return nil, fmt.Errorf("it is larger than %d KiB", maxCredentials>>10)
	}
	return text, err
}

// teamKeyBlock finds the block. It is made at its first use: most agents have no
// registry, and should start as fast.
var teamKeyBlock = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`-----BEGIN CODESTREAM TEAM KEY-----\s*([A-Za-z0-9+/=]+)\s*-+END CODESTREAM TEAM KEY-+`)
})

func readDecorated(text []byte) (c Credentials, err error) {
	if block := teamKeyBlock().FindSubmatchIndex(text); block != nil {
		if c.teamKey, err = parseTeamKey(string(text[block[2]:block[3]])); err != nil {
			return Credentials{}, err
		}
		c.secrets = append(c.secrets, secret.New(string(text[block[2]:block[3]])))
		text = append(text[:block[0]:block[0]], text[block[1]:]...) // NATS knows no such block
	}
	c.option = nats.UserCredentialBytes(text)
	c.secrets = append(c.secrets, secret.New(string(text)))
	return c, nil
}

func readJSON(text []byte) (c Credentials, err error) {
	var file struct {
		User     string `json:"user"`
		Password string `json:"password"`
		Token    string `json:"token"`
		TeamKey  string `json:"teamKey"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&file) != nil || decoder.More() { // whose error may quote a secret
		return Credentials{}, fmt.Errorf("it is neither a creds file of NATS nor JSON with user and password, or token, and teamKey")
	}
	switch {
	case file.Token != "" && file.User != "":
		return Credentials{}, fmt.Errorf("it has both a user and a token")
	case file.User != "":
		c.option = nats.UserInfo(file.User, file.Password)
	case file.Token != "":
		c.option = nats.Token(file.Token)
	}
	if file.TeamKey != "" {
		if c.teamKey, err = parseTeamKey(file.TeamKey); err != nil {
			return Credentials{}, err
		}
	}
	for _, text := range []string{file.Password, file.Token, file.TeamKey} {
		c.secrets = append(c.secrets, secret.New(text))
	}
	return c, nil
}

func parseTeamKey(text string) (key teamKey, err error) {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(bytes) != keySize {
		return nil, fmt.Errorf("the team's key in it is not base64 of %d bytes", keySize)
	}
	return bytes, nil
}

func badCredentials(path, problem string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "team.credentialsFile " + path + " cannot be used: " + problem,
		Hint:    "Ask whoever maintains the team's registry for the file, and set team.credentialsFile to its path.",
		Details: &protocol.ErrorDetails{File: path},
	}
}
