package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// withScripts returns the model with examples from these scripts only, by path
// and content of the section.
func withScripts(t *testing.T, pathsAndTexts ...string) *Model {
	t.Helper()
	model, err := load(root + "/protocol")
	if err != nil {
		t.Fatal(err)
	}
	var scripts []*script.Script
	for pair := range slices.Chunk(pathsAndTexts, 2) {
		scripts = append(scripts, mustParse(t, pair[0], pair[1]))
	}
	addExamples(model, scripts)
	return model
}

func mustParse(t *testing.T, path, session string) *script.Script {
	t.Helper()
	s, err := script.Parse(path, []byte("Prose.\n-- session --\n"+session), script.Commands{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func methodNamed(m *Model, name string) Method {
	return m.Methods[slices.IndexFunc(m.Methods, func(m Method) bool { return m.Name == name })]
}

func TestTheFirstSuccessIsTheExample(t *testing.T) {
	m := withScripts(t, "dir/a.txtar", `
-> 1 gitlabSM/currentUser {}
<- 1 error SignInRequired {"instance": "${gitlab}"}
-> 1 gitlabSM/currentUser {"account": "unanswered"}
-> 1 gitlabSM/currentUser {"account": "1"}
->2 1 gitlabSM/currentUser {"account": "of another window"}
<-2 1 error RequestCancelled
<- gitlabSM/didChangeInstances {"instances": []}
<- 1 result {"id": 1, "username": "sam"}
`, "b.txtar", `
-> 9 gitlabSM/currentUser {}
<- 9 error NotConfigured
-> 10 gitlabSM/currentUser {}
<- 10 result {}
`)
	method := methodNamed(m, "gitlabSM/currentUser")
	e := method.Example
	if e == nil {
		t.Fatal("no example")
	}
	if e.Script != "a.txtar" || e.ID != "1" || string(e.Params) != `{"account": "1"}` || string(e.Result) != `{"id": 1, "username": "sam"}` {
		t.Errorf("%+v", e)
	}
	if got := strings.Join(method.Errors, " "); got != "NotConfigured SignInRequired" {
		t.Errorf("errors %s", got)
	}
	if e := methodNamed(m, "gitlabSM/didChangeInstances").Example; e == nil || string(e.Params) != `{"instances": []}` || e.Result != nil {
		t.Errorf("the notification: %+v", e)
	}
	if e := methodNamed(m, "gitlabSM/diagnose").Example; e != nil {
		t.Errorf("an example from nowhere: %+v", e)
	}
}

func TestARequestOfTheAgentIsAnExampleWithOrWithoutAReply(t *testing.T) {
	m := withScripts(t, "a.txtar", `
<- window/showDocument {"uri": "https://refused.example.com"}
-> reply window/showDocument error -32603 "no browser"
<- window/showDocument {"uri": "${any}", "external": true}
-> reply window/showDocument result {"success": true}
<- window/workDoneProgress/create {"token": "${any}"}
-> reply 3 result null
`)
	if e := methodNamed(m, "window/showDocument").Example; e == nil || string(e.Result) != `{"success": true}` || !strings.Contains(string(e.Params), "oauth/authorize") {
		t.Errorf("%+v", e)
	}
	if e := methodNamed(m, "window/workDoneProgress/create").Example; e == nil || e.Result != nil || e.Params == nil {
		t.Errorf("%+v", e)
	}
	text := string(renderMarkdown(m))
	for _, want := range []string{
		"Example, from [a.txtar](../../testdata/sessions/a.txtar):",
		"<- window/showDocument {\"uri\": ",
		"\n-> result {\"success\": true}\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestPlaceholdersBecomeSamples(t *testing.T) {
	m := withScripts(t)
	account := Type{Kind: Ref, Name: "Account"}
	for _, test := range []struct {
		text, want string
		of         Type
	}{
		{`{"instance": "${gitlab}/sub"}`, `{"instance": "https://gitlab.example.com/sub"}`, account},
		{`{"id": ${any}, "expiresAt": "${time}"}`, `{"id": "7", "expiresAt": "2026-03-02T11:30:00Z"}`, account},
		{`{"expiresAt": "${absent}", "scopes": ["api", "${rest}"]}`, `{"scopes": ["api"]}`, account},
		{`{"user": {"id": "${number}"}, "method": "${any}"}`, `{"user": {"id": 7}, "method": "browser"}`, account},
		{`"${app.clientId}"`, `"the-application-id"`, Type{Kind: String}},
		{`"at ${bind:port} ${strange}"`, `"at 43117 …"`, Type{Kind: String}},
		{`"${contains:see ${gitlab}}"`, `"see https://gitlab.example.com"`, Type{Kind: String}},
		{`"${contains:a word}"`, `"a word"`, Type{Kind: String}},
		{`"<\"${time}"`, `"<\"2026-03-02T09:30:00Z"`, Type{Kind: String}},
		{`"$ {plain} \\"`, `"$ {plain} \\"`, Type{Kind: String}},
		{`${any}`, `null`, Type{Kind: Null}},
		{`${any}`, `true`, Type{Kind: Boolean}},
		{`${any}`, `[]`, Type{Kind: List, Elem: &Type{Kind: String}}},
		{`${any}`, `{}`, Type{Kind: Any}},
		{`${any}`, `{"success": true}`, Type{Kind: Ref, Name: "ShowDocumentResult"}},
		{`{"token": "${any}"}`, `{"token": "sign-in-1"}`, Type{Kind: Ref, Name: "ProgressParams"}},
		{`{"name": "${any}"}`, `{"name": "gitlab.example.com"}`, Type{Kind: Ref, Name: "Instance"}},
		{`{"query": {"page": "${number}"}}`, `{"query": {"page": "7"}}`, Type{Kind: Ref, Name: "CallAPIParams"}},
	} {
		body := mustParse(t, "a.txtar", "-> m "+test.text).Session[0].JSON
		if got := string(m.sample(body, test.of)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.text, got, test.want)
		}
	}
}

func TestScriptsComeInTheOrderOfPreference(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"zebra.txtar", "sign-in.txtar", "ant.txtar", "notes.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("Prose.\n-- session --\n-> exit\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	scripts, err := readScripts(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range scripts {
		names = append(names, filepath.Base(s.Name))
	}
	if got := strings.Join(names, " "); got != "sign-in.txtar ant.txtar zebra.txtar" {
		t.Error(got)
	}
	if scripts, err := readScripts(filepath.Join(dir, "none")); err != nil || scripts != nil {
		t.Errorf("without a directory: %v, %v", scripts, err)
	}
}
