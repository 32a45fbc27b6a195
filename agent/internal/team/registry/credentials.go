package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// maxCredentials bounds a credentials file in bytes.
const maxCredentials = 64 << 10

// credentials are who a member is for the registry, and the team's key. They come
// from one file, in one of two forms: that of NATS (nsc's "creds" file, a JSON Web
// Token with its seed), with blocks of ours added at its end:
//
//	-----BEGIN CODESTREAM TEAM KEY-----
//	base64 of 32 bytes
//	------END CODESTREAM TEAM KEY------
//	-----BEGIN CODESTREAM REGISTRY-----
//	tls://registry.example.com:4222
//	------END CODESTREAM REGISTRY------
//
// or JSON, for servers with users and passwords or a token:
//
//	{"registry": "tls://registry.example.com:4222", "user": "…", "password": "…", "teamKey": "base64 of 32 bytes"}
//	{"registry": "…", "token": "…", "teamKey": "…"}
//
// The team's key may be left out where no instance has a client secret. The registry,
// or several servers of one between commas, says whom the file is for: nobody else is
// shown anything of it. Where it is left out, whoever can set team.registry can have
// the credentials.
type credentials struct {
	option  nats.Option // nil: none
	teamKey teamKey
	secrets []secret.Text
	servers []string // addresses, none where the file names no registry
	read    fileState
}

// readCredentials reads a credentials file for the servers of a registry; none where
// path is empty. It returns InvalidParams.
func readCredentials(path string, servers []string) (credentials, error) {
	if path == "" {
		return credentials{}, nil
	}
	state := stateOf(path)
	text, err := readPrivate(path)
	if err != nil {
		return credentials{}, badCredentials(path, err.Error())
	}
	var c credentials
	if bytes.Contains(text, []byte("-----BEGIN NATS USER JWT-----")) {
		c, err = readDecorated(text)
	} else {
		c, err = readJSON(text)
	}
	if err != nil {
		return credentials{}, badCredentials(path, err.Error())
	}
	if stranger, ok := c.strangerAmong(servers); ok {
		return credentials{}, otherRegistry(path, stranger)
	}
	c.read = state
	return c, nil
}

// strangerAmong finds a server that the file is not for. All have to be: any of them
// may be the one that is connected to.
func (c credentials) strangerAmong(servers []string) (stranger string, ok bool) {
	if c.servers == nil {
		return "", false
	}
	for _, server := range servers {
		if u, err := url.Parse(server); err != nil || !slices.Contains(c.servers, address(u)) {
			return server, true
		}
	}
	return "", false
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

// blocks finds the blocks of a creds file. It is made at its first use: most agents
// have no registry, and should start as fast.
var blocks = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]+)-----\s*(.*?)\s*-+END [A-Z ]+-+\n?`)
})

func readDecorated(text []byte) (c credentials, err error) {
	var known []byte // to NATS
	var teamKey, registry string
	end := 0
	for _, block := range blocks().FindAllSubmatchIndex(text, -1) {
		label, body := string(text[block[2]:block[3]]), string(text[block[4]:block[5]])
		ours := true
		switch {
		case label == "CODESTREAM TEAM KEY" && teamKey == "" && body != "":
			teamKey = body
		case label == "CODESTREAM REGISTRY" && registry == "" && body != "":
			registry = body
		case strings.HasPrefix(label, "CODESTREAM "):
			return credentials{}, fmt.Errorf("the block %s in it is empty, there twice, or none that is known", label)
		default:
			ours = false
		}
		if label != "CODESTREAM REGISTRY" {
			c.secrets = append(c.secrets, secret.New(body))
		}
		if ours {
			known = append(known, text[end:block[0]]...)
			end = block[1]
		}
	}
	known = append(known, text[end:]...)
	if bytes.Contains(bytes.ToUpper(known), []byte("CODESTREAM")) {
		return credentials{}, errors.New("a block of CODESTREAM in it does not end, or is not written in capitals")
	}
	c.option = nats.UserCredentialBytes(known)
	return c.complete(teamKey, registry)
}

func readJSON(text []byte) (c credentials, err error) {
	var file struct {
		Registry string `json:"registry"`
		User     string `json:"user"`
		Password string `json:"password"`
		Token    string `json:"token"`
		TeamKey  string `json:"teamKey"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&file) != nil || decoder.More() { // whose error may quote a secret
		return credentials{}, errors.New("it is neither a creds file of NATS nor JSON with registry, user and password, or token, and teamKey")
	}
	switch {
	case file.Token != "" && file.User != "":
		return credentials{}, errors.New("it has both a user and a token")
	case file.User != "":
		c.option = nats.UserInfo(file.User, file.Password)
	case file.Token != "":
		c.option = nats.Token(file.Token)
	}
	for _, text := range []string{file.Password, file.Token, file.TeamKey} {
		c.secrets = append(c.secrets, secret.New(text))
	}
	return c.complete(file.TeamKey, file.Registry)
}

// complete adds what both forms have; each may be empty.
func (c credentials) complete(teamKey, registry string) (credentials, error) {
	if teamKey != "" {
		key, err := base64.StdEncoding.DecodeString(teamKey)
		if err != nil || len(key) != keySize {
			return credentials{}, fmt.Errorf("the team's key in it is not base64 of %d bytes", keySize)
		}
		c.teamKey = key
	}
	if registry != "" {
		servers, err := parseServers(registry)
		if err != nil {
			return credentials{}, fmt.Errorf("the registry in it %w", err)
		}
		for _, u := range servers {
			c.servers = append(c.servers, address(u))
		}
	}
	return c, nil
}

func badCredentials(path, problem string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "team.credentialsFile " + path + " cannot be used: " + problem,
		Hint:    "Ask whoever maintains the team's registry for the file, and set team.credentialsFile to its path.",
		Details: &protocol.ErrorDetails{File: path},
	}
}

func otherRegistry(path, server string) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "team.credentialsFile " + path + " is not for " + server + " of team.registry: nothing of it was sent there",
		Hint:    "If nobody has told you of that server, take it out of team.registry, also in the settings of the workspace. If the registry has moved, ask whoever maintains it for a new file.",
		Details: &protocol.ErrorDetails{File: path},
	}
}
