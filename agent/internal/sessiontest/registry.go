package sessiontest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/teamcodestream/codestream-agent/agent/internal/natstest"
	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// startRegistry starts a team's registry, and writes a credentials file for each
// role. They are secrets, and so not among the files of the agents.
func (s *session) startRegistry(name string) error {
	dir, err := os.MkdirTemp("", "registry-")
	if err != nil {
		return err
	}
	s.world.closers = append(s.world.closers, func() { os.RemoveAll(dir) })
	server, err := natstest.Start(filepath.Join(dir, name), natstest.Options{})
	if server != nil {
		s.world.closers = append(s.world.closers, func() { _ = server.Kill() })
	}
	if err != nil {
		return err
	}
	s.world.registries[name] = server
	s.vars[name+".url"] = server.URL
	for _, role := range []natstest.Role{natstest.Maintainer, natstest.Member} {
		path := filepath.Join(dir, string(role)+".json")
		err = errors.Join(err, natstest.WriteCredentials(path, role, natstest.TeamKey))
		s.vars[name+"."+string(role)] = path
	}
	return err
}

// parseCredentials reads: credentials FILE are those of a ROLE [with another key | without a key | for URL].
func parseCredentials(words *script.Words) action {
	path := words.Word("the file")
	words.Expect("are", "those", "of", "a")
	role, key, registry := natstest.Role(words.Word("the role")), natstest.TeamKey, ""
	switch {
	case words.Next("with"):
		words.Expect("another", "key")
		key = natstest.OtherTeamKey
	case words.Next("without"):
		words.Expect("a", "key")
		key = ""
	case words.Next("for"):
		registry = words.Word("the registry's URL")
	}
	return func(context.Context, *session) error {
		return natstest.WriteCredentialsFor(path, role, key, registry)
	}
}

// parseRegistryHas reads: registry has the record RECORD of INSTANCE.
func parseRegistryHas(name string, words *script.Words) action {
	words.Expect("the", "record")
	record := words.Word("the record")
	words.Expect("of")
	instance := words.Word("the instance")
	return func(_ context.Context, s *session) error {
		r := s.world.registries[name]
		if r == nil {
			return fmt.Errorf("there is no registry %q", name)
		}
		return r.Put("instance."+base64.RawURLEncoding.EncodeToString([]byte(instance)), record)
	}
}

// parseRegistryLoses reads: registry loses its data.
func parseRegistryLoses(name string, words *script.Words) action {
	words.Expect("its", "data")
	return func(_ context.Context, s *session) error {
		r := s.world.registries[name]
		if r == nil {
			return fmt.Errorf("there is no registry %q", name)
		}
		return r.LoseData()
	}
}
