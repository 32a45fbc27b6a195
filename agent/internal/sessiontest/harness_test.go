package sessiontest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// runScript runs a script with a launcher and returns what is wrong.
func runScript(t *testing.T, text string, launcher Launcher, timeout time.Duration) error {
	t.Helper()
	script, err := parse("test.txtar", []byte("Prose.\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	_, err = run(script, config{
		launch:  func(dataDir string, env []string) *Process { return launcher(t, dataDir, env) },
		root:    t.TempDir(),
		timeout: timeout,
	})
	return err
}

// configureOnce is a script whose one request carries a secret.
const configureOnce = `
-- setup --
gitlab
-- session --
-> 1 gitlabSM/configure {"url": "${gitlab}", "clientId": "${gitlab.clientId}", "clientSecret": "${gitlab.clientSecret}"}
<- 1 error MethodNotFound
`

const askStatus = "-- session --\n-> 1 gitlabSM/status {}\n"

// TestHarnessFails shows that nothing that scripts are to find goes unnoticed.
func TestHarnessFails(t *testing.T) {
	status := func(h hook) map[string]hook { return map[string]hook{"gitlabSM/status": h} }
	configure := func(h hook) map[string]hook {
		return map[string]hook{"gitlabSM/configure": func(a *fakeAgent, id, params json.RawMessage) {
			h(a, id, params)
			a.fail(id, protocol.MethodNotFound, "unknown")
		}}
	}
	tests := []struct {
		name   string
		script string
		hooks  map[string]hook
		want   []string // in the failure; nil for none
	}{
		{"all is well", askStatus + `<- 1 result {"instances": []}`, nil, nil},
		{"secret in a log message", configureOnce, configure(func(a *fakeAgent, _, params json.RawMessage) {
			a.notify("window/logMessage", `{"type":4,"message":"`+instanceOf(params).ClientSecret+`"}`)
		}), []string{"a secret has leaked", "window/logMessage"}},
		{"secret on stderr", configureOnce, configure(func(a *fakeAgent, _, params json.RawMessage) {
			_, _ = a.stderr.Write(params)
		}), []string{"a secret has leaked", "stderr"}},
		{"secret in a file", configureOnce, configure(func(a *fakeAgent, _, params json.RawMessage) {
			a.writeFile("deep/agent.db", params)
		}), []string{"a secret has leaked", "deep/agent.db"}},
		{"secret where a token may be", `
-- setup --
gitlab
-- session --
-> 1 gitlabSM/token {"account": "${gitlab.pat}"}
<- 1 result {"accessToken": "${string}"}`,
			map[string]hook{"gitlabSM/token": func(a *fakeAgent, id, params json.RawMessage) {
				var p protocol.TokenParams
				_ = json.Unmarshal(params, &p)
				a.result(id, `{"accessToken":"`+p.Account+`","tokenType":"Bearer","expiresAt":null,"scopes":[],"gitUsername":"oauth2"}`)
			}}, nil},
		{"secret beside the token", `
-- setup --
gitlab
-- session --
-> 1 gitlabSM/token {"account": "${gitlab.pat}"}
<- 1 result {"accessToken": "${string}"}`,
			map[string]hook{"gitlabSM/token": func(a *fakeAgent, id, params json.RawMessage) {
				var p protocol.TokenParams
				_ = json.Unmarshal(params, &p)
				a.result(id, `{"accessToken":"`+p.Account+`","tokenType":"Bearer","expiresAt":null,"scopes":[],"gitUsername":"`+p.Account+`"}`)
			}}, []string{"a secret has leaked"}},
		{"violation", configureOnce, configure(func(_ *fakeAgent, _, params json.RawMessage) {
			in := instanceOf(params)
			resp, err := http.Get(in.URL + "/api/v4/user?private_token=" + in.ClientSecret)
			if err == nil {
				resp.Body.Close()
			}
		}), []string{"gitlab found a violation"}},
		{"violation that is expected", strings.Replace(configureOnce, "gitlab\n", "gitlab\nviolations expected\n", 1),
			configure(func(_ *fakeAgent, _, params json.RawMessage) {
				in := instanceOf(params)
				resp, err := http.Get(in.URL + "/api/v4/user?private_token=" + in.ClientSecret)
				if err == nil {
					resp.Body.Close()
				}
			}), nil},

		{"wrong field", askStatus + `<- 1 result {"instances": [{"name": "x"}]}`, nil,
			[]string{"test.txtar:4:", ".instances: want 1 elements, got 0", "-> 1 gitlabSM/status {}"}},
		{"wrong error", askStatus + `<- 1 error NotConfigured`, nil, []string{"want the error NotConfigured, got the response to 1 with a result"}},
		{"wrong order", askStatus + "<- 1 result {}\n<- window/showMessage {}",
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.message("x"); a.result(id, emptyStatus) }),
			[]string{"test.txtar:4: unexpected message", "want the response to 1, got window/showMessage"}},
		{"any order", askStatus + "<= 1 result {}\n<= window/showMessage {}",
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.message("x"); a.result(id, emptyStatus) }), nil},
		{"unexpected message", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.result(id, emptyStatus); a.message("late") }),
			[]string{"unexpected message", `"message":"late"`}},
		{"message after shutdown", askStatus + `<- 1 result {}`,
			map[string]hook{"exit": func(a *fakeAgent, _, _ json.RawMessage) { a.message("late") }},
			[]string{"unexpected message:\n    <- ", "late"}},
		{"missing message", askStatus + "<- window/showMessage {}\n<- 1 result {}", status(func(*fakeAgent, json.RawMessage, json.RawMessage) {}),
			[]string{"test.txtar:4: missing message: nothing came within", "want:\n    <- window/showMessage {}"}},
		{"chatter that is asked for", askStatus + "<- window/logMessage {\"message\": \"two\"}\n<- 1 result {}",
			status(func(a *fakeAgent, id, _ json.RawMessage) {
				a.notify("window/logMessage", `{"type":4,"message":"one"}`)
				a.notify("window/logMessage", `{"type":4,"message":"two"}`)
				a.result(id, emptyStatus)
			}), nil},

		{"garbage on stdout", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.write("debug: here\n"); a.result(id, emptyStatus) }),
			[]string{"stdout belongs to the protocol", "d"}},
		{"garbage after the last frame", askStatus + `<- 1 result {}`,
			map[string]hook{"exit": func(a *fakeAgent, _, _ json.RawMessage) { a.write("Con") }},
			[]string{"stdout belongs to the protocol", "Con"}},
		{"message without a version", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.send(`{"id":1,"result":{}}`) }), []string{`jsonrpc is not "2.0"`}},
		{"result and error", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) {
				a.send(`{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}`)
			}), []string{"either a result or an error"}},
		{"other id", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, _, _ json.RawMessage) { a.result(json.RawMessage(`"1"`), emptyStatus) }),
			[]string{`want the response to 1, got the response to "1"`}},
		{"code and name disagree", askStatus + `<- 1 error NotConfigured`,
			status(func(a *fakeAgent, _, _ json.RawMessage) {
				a.send(`{"jsonrpc":"2.0","id":1,"error":{"code":1001,"message":"x","data":{"name":"NotFound","message":"x"}}}`)
			}), []string{`code 1001 is NotConfigured, but data.name says "NotFound"`}},
		{"field that is not declared", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) {
				a.result(id, `{"instances":[],"store":{"dataDir":"","key":"none"},"problems":[],"more":1}`)
			}), []string{".more is not declared"}},
		{"null for a list", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.result(id, `{"instances":null}`) }), []string{".instances is null"}},
		{"field that has to be there", askStatus + `<- 1 result {}`,
			status(func(a *fakeAgent, id, _ json.RawMessage) { a.result(id, `{}`) }), []string{".instances is missing"}},

		{"wrong exit status", "-- session --\n-> exit\n! exits 0", nil, []string{"test.txtar:4: the agent ended with status 1, want 0"}},
		{"exit after shutdown", "-- session --\n-> 1 shutdown\n<- 1 result null\n-> exit\n! exits 0", nil, nil},
		{"exit without looking", "-- session --\n-> exit", nil, nil},
		{"death", askStatus + "<- 1 result {}",
			status(func(a *fakeAgent, _, _ json.RawMessage) { a.write("Content-Length: 10\r\n\r\n") }), []string{"nothing came within"}},
		{"stdin closed", "-- session --\n! closes stdin\n! exits 1", nil, nil},
		{"no end", "-- session --\n-> $/setTrace {}", map[string]hook{"exit": func(a *fakeAgent, _, _ json.RawMessage) { a.stays = true }},
			[]string{"the agent does not end"}},
		{"no initialize", "-- setup --\nno-initialize\n-- session --\n-> 1 gitlabSM/status\n<- 1 result {}", nil, nil},
		{"unknown variable", "-- session --\n-> 1 gitlabSM/status {\"a\": \"${b}\"}", nil, []string{"there is no variable ${b}"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			timeout := 10 * time.Second
			if strings.Contains(strings.Join(test.want, ""), "nothing came") || test.name == "no end" {
				timeout = 100 * time.Millisecond
			}
			check(t, runScript(t, test.script, fakeLauncher(test.hooks), timeout), test.want)
		})
	}
}

// check compares a failure with the texts that it must have.
func check(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil && want != nil {
		t.Errorf("the harness found nothing wrong, want %q", want)
	}
	if err != nil && want == nil {
		t.Error(err)
	}
	for _, text := range want {
		if err != nil && !strings.Contains(err.Error(), text) {
			t.Errorf("the failure lacks %q:\n%v", text, err)
		}
	}
}
