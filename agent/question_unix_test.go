//go:build !windows

package agent_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// TestARepositoryCannotForgeTheQuestion: the name of its folder is shown as a name,
// whatever it says, and the host as the one that is asked.
func TestARepositoryCannotForgeTheQuestion(t *testing.T) {
	const instances = `{"instances": [{"url": "https://gitlаb.example", "redirectUri": "https://RELАY.example"}]}` // with a Cyrillic а
	longName := strings.Repeat("x", 240)
	for name, shown := range map[string]string{
		"plain":                         `plain/.codestream/gitlab.json names the GitLab instance`,
		"with space":                    `with space/.codestream/gitlab.json" names the GitLab instance`,
		"hidden\x1b[8m\u202e":           `hidden\x1b[8m\u202e/.codestream/gitlab.json" names the GitLab instance`,
		"no text \xff":                  `no text \xff/.codestream/gitlab.json" names the GitLab instance`,
		`ours" names https:∕∕a.example`: `ours\" names https:∕∕a.example/.codestream/gitlab.json" names the GitLab instance`,
		longName + "/" + longName:       `x… names the GitLab instance`,
	} {
		folder := filepath.Join(t.TempDir(), name)
		file := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(instances), 0o644); err != nil {
			t.Fatal(err)
		}
		r := start(t, nil).initialize(map[string]any{"workspaceFolders": []protocol.WorkspaceFolder{
			{URI: (&url.URL{Scheme: "file", Path: folder}).String(), Name: "folder"},
		}})
		m, err := r.Next(within(t), protocol.ShowMessageRequest.Method())
		if err != nil {
			t.Fatal(err)
		}
		var asked protocol.ShowMessageRequestParams
		if err := json.Unmarshal(m.Params, &asked); err != nil {
			t.Fatal(err)
		}
		if want := shown + " https://xn--gitlb-7ve.example. "; !strings.Contains(asked.Message, want) {
			t.Errorf("%q is asked, want %q in it", asked.Message, want)
		}
		if want := "by way of https://xn--rely-73d.example."; !strings.Contains(asked.Message, want) {
			t.Errorf("%q is asked, want %q in it", asked.Message, want)
		}
		refusal := r.Call(within(t), protocol.Token.Method(), protocol.TokenParams{}, nil)
		if refusal == nil {
			t.Fatal("a token is given")
		}
		for _, text := range []string{asked.Message, r.status().Instances[0].Origin, refusal.Error()} {
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q has what is not shown", text)
			}
		}
	}
}
