package team_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/tailscale/hujson"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
)

// workspace is one whose only folder has a file with this text.
func workspace(t testing.TB, text string) (w *team.Workspace, folder string) {
	t.Helper()
	folder = t.TempDir()
	writeFile(t, folder, text)
	w = &team.Workspace{Provider: gitlabsm.Provider{}, Rules: []team.Rule{{Field: "scopes", Check: noSudo}}}
	w.SetFolders([]string{folder})
	return w, folder
}

// noSudo is a rule of the test's own.
func noSudo(in store.Instance) error {
	for _, scope := range in.Scopes {
		if scope == "sudo" {
			return &protocol.Error{Code: protocol.InvalidParams, Message: "sudo is too much", Hint: "Leave it out."}
		}
	}
	return nil
}

func writeFile(t testing.TB, folder, text string) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(protocol.WorkspaceFile))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// survey is all that a directory of sources finds.
func survey(t testing.TB, sources ...team.Source) team.Found {
	t.Helper()
	found, err := team.NewDirectory(store.New(t.TempDir(), store.Options{}), gitlabsm.Provider{}, sources...).Survey()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// file is a file of instances, and what is wrong with it.
type file struct {
	name, text string
	problem    string // in the error; "" for a good file
	beyond     bool   // the schema cannot say so
}

var files = []file{
	{name: "the least", text: `{"instances": []}`},
	{name: "all fields", text: `{"$schema": "x", "instances": [{"url": "https://a.example.com", "name": "A", "clientId": "1",
		"redirectUri": "http://127.0.0.1:29630/x", "scopes": ["api"], "sshHosts": ["ssh.example.com:2222"], "allowHttp": false}]}`},
	{name: "comments and commas", text: "{\n// ours\n\"instances\": [{\"url\": \"a.example.com\", /* why */},],\n}"},
	{name: "a byte order mark", text: "\ufeff{\"instances\": []}"},
	{name: "Windows' line ends", text: "{\r\n  \"instances\": [\r\n  ]\r\n}\r\n"},
	{name: "nothing", text: "", problem: "line 1, column 1: this is not JSON"},
	{name: "half", text: "{\n  \"instances\": [", problem: "line 2, column 17: this is not JSON"},
	{name: "a list", text: `[]`, problem: "line 1, column 1: the whole is a list; it has to be an object"},
	{name: "no instances", text: "\n {}", problem: `line 2, column 2: the whole lacks "instances"`},
	{name: "null", text: `{"instances": null}`, problem: "line 1, column 15: instances has to be a list"},
	{name: "no URL", text: `{"instances": [{"name": "A"}]}`, problem: `column 16: instances[0] lacks "url"`},
	{name: "a number", text: `{"instances": [{"url": 1}]}`, problem: "instances[0].url has to be a string"},
	{name: "a string for a list", text: `{"instances": [{"url": "a.example.com", "scopes": "api"}]}`, problem: "instances[0].scopes has to be a list"},
	{name: "a string for a boolean", text: `{"instances": [{"url": "a.example.com", "allowHttp": "yes"}]}`, problem: "instances[0].allowHttp has to be true or false"},
	{name: "an unknown field", text: `{"instances": [], "servers": []}`, problem: `column 19: there is no field "servers"`},
	{name: "another case", text: `{"instances": [{"URL": "a.example.com"}]}`, problem: `there is no field "URL"; it is written "url"`},
	{name: "after an umlaut", text: `{"ü": 1}`, problem: `column 2: there is no field "ü"`},
	{name: "a secret", text: `{"instances": [{"url": "a.example.com", "clientSecret": "s"}]}`, problem: `column 41: "clientSecret" is a secret`},
	{name: "a network", text: `{"instances": [{"url": "a.example.com", "network": {"proxy": "http://p.example.com"}}]}`, problem: "column 52: a file in a workspace may not say how to reach the network"},
	{name: "a field twice", text: `{"instances": [], "instances": []}`, problem: `column 19: "instances" is there twice`, beyond: true},
	{name: "no URL in it", text: `{"instances": [{"url": "ftp://a.example.com"}]}`, problem: "column 24: ", beyond: true},
	{name: "an instance twice", text: "{\"instances\": [{\"url\": \"a.example.com\"},\n{\"url\": \"https://A.example.com/\"}]}", problem: "line 2, column 9: https://a.example.com is there twice, as instances[0] too", beyond: true},
	{name: "a broken rule", text: `{"instances": [{"url": "a.example.com", "scopes": ["sudo"]}]}`, problem: "column 51: sudo is too much", beyond: true},
	{name: "a name that turns round", text: "{\"instances\": [{\"url\": \"a.example.com\", \"clientId\": \"a\u202eb\"}]}", problem: "column 53: instances[0].clientId has characters that are not shown", beyond: true},
	{name: "a terminal's command", text: `{"instances": [{"url": "a.example.com", "sshHosts": ["\u001b[8m"]}]}`, problem: "instances[0].sshHosts[0] has characters that are not shown", beyond: true},
	{name: "no UTF-8", text: "{\"instances\": [{\"url\": \"\xff\"}]}", problem: "column 25: the file is not in UTF-8", beyond: true},
	{name: "too large", text: `{"instances": []}` + strings.Repeat(" ", 64<<10), problem: "cannot be read: it is larger than 64 KiB", beyond: true},
	{name: "too deep", text: strings.Repeat("[", 60<<10), problem: "column 9: there are more than 8 lists and objects in one another"},
	{name: "too deep, and whole", text: `{"instances": [` + strings.Repeat("[", 30<<10) + strings.Repeat("]", 30<<10) + `]}`, problem: "column 22: there are more than 8 lists", beyond: true},
	{name: "deep in a string", text: `{"instances": [{"url": "a.example.com", "name": "\"` + strings.Repeat("[{", 20) + `\\"}]}`},
	{name: "deep in comments", text: `{ /* ` + strings.Repeat("[{", 20) + ` " */ "instances": [] // "` + strings.Repeat("[{", 20) + "\n/**/}"},
	{name: "deep after comments", text: "{ /*/ \" */ // \"\n" + strings.Repeat("[", 20), problem: "line 2, column 8: there are more than 8"},
	{name: "too many", text: `{"instances": [` + many(21) + `]}`, problem: "it has 21 instances, and may have 20", beyond: true},
}

func many(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = `{"url": "` + strings.Repeat("a", i+1) + `.example.com"}`
	}
	return strings.Join(list, ",")
}

func TestWhatIsWrongWithAFileIsSaid(t *testing.T) {
	for _, c := range files {
		w, _ := workspace(t, c.text)
		found := survey(t, w)
		switch {
		case c.problem == "" && len(found.Problems) > 0:
			t.Errorf("%s: %v", c.name, found.Problems)
		case c.problem == "":
		case len(found.Problems) != 1 || len(found.Instances) > 0:
			t.Errorf("%s: %d instances, and the problems %v; want one problem", c.name, len(found.Instances), found.Problems)
		default:
			var told *protocol.Error
			if !errors.As(found.Problems[0], &told) || !strings.Contains(told.Message, c.problem) || told.Hint == "" || told.Details.File == "" {
				t.Errorf("%s: %v, want %q with a hint and the file", c.name, found.Problems[0], c.problem)
			}
		}
	}
}

// TestSchemaAndReaderAgree holds the published schema to what the agent reads.
func TestSchemaAndReaderAgree(t *testing.T) {
	schema := compile(t, "gitlab.schema.json")
	for _, c := range files {
		standard, err := hujson.Standardize([]byte(strings.TrimPrefix(c.text, "\ufeff")))
		if err != nil || c.beyond {
			continue // not JSON, or what no schema can say
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(standard)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); (err == nil) != (c.problem == "") {
			t.Errorf("%s: the schema says %v, and the reader %q", c.name, err, c.problem)
		}
	}
}

func TestThePolicysSchemaHasTheNetworkToo(t *testing.T) {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(`{"instances": [{"url": "a.example.com", "network": {"caFile": "/ca.pem"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := compile(t, "policy.schema.json").Validate(value); err != nil {
		t.Errorf("policy.schema.json: %v", err)
	}
	if compile(t, "gitlab.schema.json").Validate(value) == nil {
		t.Error("gitlab.schema.json lets a repository say how to reach the network")
	}
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "..", "protocol", "gen", name))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// FuzzFile finds that whatever is in a file gives instances or an error, and that
// what is written into it can be read again.
func FuzzFile(f *testing.F) {
	for _, c := range files {
		f.Add(c.text)
	}
	folder := f.TempDir()
	w := &team.Workspace{Provider: gitlabsm.Provider{}}
	w.SetFolders([]string{folder})
	directory := team.NewDirectory(store.New(f.TempDir(), store.Options{}), gitlabsm.Provider{}, w)
	written := store.Instance{ID: "https://written.example.com", Name: "Written", ClientID: "1", Scopes: []string{"api"}}
	f.Fuzz(func(t *testing.T, text string) {
		writeFile(t, folder, text)
		before, err := directory.Survey()
		if err != nil {
			t.Fatal(err)
		}
		if err := write(w, folder, written); err != nil {
			return
		}
		after, err := directory.Survey()
		if err != nil || len(after.Problems) > 0 {
			t.Fatalf("what was written cannot be read: %v, %v", err, after.Problems)
		}
		for _, in := range before.Instances {
			if !has(after, in.ID) {
				t.Errorf("%s is lost", in.ID)
			}
		}
		if !has(after, written.ID) {
			t.Error("what was written is not there")
		}
	})
}

func has(found team.Found, id string) bool {
	for _, in := range found.Instances {
		if in.ID == id {
			return true
		}
	}
	return false
}

// opening is a workspace in which another folder is opened in place of those before,
// when their files have just been read.
type opening struct {
	*team.Workspace
	folder string
}

func (o opening) Load() {
	o.Workspace.Load()
	o.SetFolders([]string{o.folder})
}

// TestAFolderOpenedMeanwhileTakesNothing: what was listed does not go until it is known
// what the other folder says.
func TestAFolderOpenedMeanwhileTakesNothing(t *testing.T) {
	const same = `{"instances": [{"url": "https://gitlab.example.com", "clientId": "id"}]}`
	w, first := workspace(t, same)
	second := t.TempDir()
	writeFile(t, second, same)
	for _, want := range []string{first, second} {
		found := survey(t, opening{w, second})
		if len(found.Instances) != 1 || found.Instances[0].Folder != want {
			t.Errorf("found is %+v, want what %s says", found.Instances, want)
		}
	}
}
