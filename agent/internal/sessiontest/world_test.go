package sessiontest

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// signInScript signs in with a fake agent that has to be told the application.
const signInScript = `
-- setup --
gitlab user sam token-lifetime 1h
-- session --
-> 1 gitlabSM/authenticate {"instance": "${gitlab}", "clientId": "${gitlab.clientId}"}
<- gitlabSM/didStartAuthentication {"instance": "${gitlab}", "authorizeUrl": "${contains:${gitlab}/oauth/authorize?}",
  "redirectUri": "http://127.0.0.1:${bind:port}/no-auth/provider-token/gitlab_enterprise", "expiresAt": "${time}"}
`

func TestWorld(t *testing.T) {
	byHand := map[string]hook{
		"gitlabSM/status": func(a *fakeAgent, _, _ json.RawMessage) {
			a.send(`{"jsonrpc":"2.0","id":"ask","method":"window/showMessageRequest","params":{"type":3,"message":"Really?"}}`)
		},
		"": func(a *fakeAgent, id, _ json.RawMessage) { a.message("answered " + string(id)) },
	}
	hooks := func(page string) map[string]hook { return map[string]hook{"gitlabSM/authenticate": signIn(page)} }
	tests := []struct {
		name   string
		script string
		hooks  map[string]hook
		want   []string
	}{
		{"approved", signInScript + `! browser approves
<- 1 result {"account": {"user": {"username": "sam"}}}
! page 200 contains "signed in" lacks "failed"
! page header Content-Security-Policy "default-src"
! gitlab counts GET /oauth/authorize 2
! gitlab awaits POST /users/sign_in`, hooks("You are signed in"), nil},
		{"denied", signInScript + "! browser denies sam\n<- 1 error SignInDenied\n! page 200 contains denied", hooks("denied"), nil},
		{"called back", signInScript + "! browser calls back host localhost path /x code=1234567890&state=${state}\n<- 1 result {}\n! page 200", hooks(""), nil},
		{"callback by hand", signInScript + "! browser approves sam until callback\n! browser opens ${callbackUrl}\n<- 1 result {}", hooks(""), nil},
		{"secret on a page", signInScript + "! browser approves\n<- 1 result {}", hooks("code CODE"), []string{"a secret has leaked", "browser's page"}},
		{"wrong page", signInScript + "! browser approves\n<- 1 result {}\n! page 400 contains \"no\"", hooks("yes"),
			[]string{"status is 200, want 400", `lacks "no"`}},
		{"signed in by the setup", "-- setup --\ngitlab\nsigned-in sam\n" + askStatus + "<- 1 result {}", map[string]hook{
			"gitlabSM/configure": func(a *fakeAgent, id, params json.RawMessage) {
				a.writeFile("client", []byte(instanceOf(params).ClientID))
				a.result(id, `{"instance":{"id":"x","url":"x","name":"x","confidential":true,"redirectUri":"x","scopes":[],"sshHosts":[],"methods":[],
					"source":"local","auth":{"state":"signedOut","accounts":[]}},"warnings":[]}`)
			},
			"gitlabSM/authenticate": func(a *fakeAgent, id, params json.RawMessage) {
				var p protocol.AuthenticateParams
				_ = json.Unmarshal(params, &p)
				client, _ := os.ReadFile(a.dataDir + "/client")
				signIn("")(a, id, json.RawMessage(`{"instance":"`+p.Instance+`","clientId":"`+string(client)+`"}`))
			},
		}, nil},

		{"answer by hand", "-- session --\n! editor answers window/showMessageRequest by hand\n-> 1 gitlabSM/status {}\n" +
			"<- window/showMessageRequest {\"message\": \"Really?\"}\n-> reply window/showMessageRequest result {\"title\": \"Yes\"}\n" +
			"<- window/showMessage {\"message\": \"answered \\\"ask\\\"\"}", byHand, nil},
		{"answer to nothing", "-- session --\n-> reply window/showMessageRequest error -32800 \"no\"", nil, []string{"no request"}},
		{"two windows", "-- setup --\nwindows 2\n-- session --\n->2 1 gitlabSM/status\n-> 1 gitlabSM/status\n<- 1 result {}\n<-2 1 result {}", nil, nil},
		{"window that is not there", "-- session --\n->2 1 gitlabSM/status", nil, []string{"there is no window 2"}},
		{"restart, kill, start", askStatus + "<- 1 result {}\n! restart\n-> 1 gitlabSM/status\n<- 1 result {}\n! kill\n! start\n-> 1 gitlabSM/status\n<- 1 result {}", nil, nil},
		{"restart with something unsaid", askStatus + "<- 1 result {}\n! restart", map[string]hook{
			"exit": func(a *fakeAgent, _, _ json.RawMessage) { a.write("Content-Type: x\r\nContent-Length: 1\r\n\r\nx") },
		}, []string{"test.txtar:5: the agent sent a malformed message"}},
		{"bound variable", "-- session --\n-> 1 initialize {}\n<- 1 result {\"serverInfo\": {\"name\": \"${bind:name}\"}}\n" +
			"-> 2 initialize {}\n<- 2 result {\"serverInfo\": {\"name\": \"${name}\"}}", nil, nil},
		{"malformed", "-- session --\n-> frame {\"jsonrpc\": nonsense\n<- null error ParseError\n" +
			"-> bytes \"Content-Length: 4\\r\\n\\r\\n\"\n-> padding 4\n<- null error ParseError", nil, nil},
		{"files", "-- setup --\nconfigured-not\n-- session --\n", nil, nil},
		{"files that change", "-- session --\n! writes a/b.json {\"x\": 1}\n! file a/b.json {\"x\": 1}\n! writes a/b.json \"[2,\\n3]\"\n! file a/b.json [2, 3]\n" +
			"! links c/d.json ../a/b.json\n! file c/d.json [2, 3]\n! removes a\n! file a/b.json absent\n! file c/d.json absent", nil, nil},
		{"store", "-- session --\n! store damaged\n! store locked\n! store unlocked\n! store expires sam", nil, []string{"test.txtar:6: StoreDamaged"}},
	}
	for _, test := range tests {
		if test.name == "files" {
			test.script = "-- setup --\nwebsite site\nclosed closed\nbusy-port busy\n-- session --\n! file a/b.json {\"url\": \"${site}\", \"closed\": \"${closed}\"}\n" +
				"! file a/c.json absent\n-> 1 gitlabSM/status {\"port\": ${busy}}\n<- 1 result {}\n-- a/b.json --\n{\"url\": \"${site}\", \"closed\": \"${closed}\"}\n"
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			check(t, runScript(t, test.script, fakeLauncher(test.hooks), 10*time.Second), test.want)
		})
	}
}

func TestBinary(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const script = "-- setup --\nwindows 2\n" + askStatus + "<- 1 result {}\n! restart\n! kill 2\n! start 2\n->2 1 shutdown\n<-2 1 result null\n" +
		"->2 exit\n! exits 0 2\n! closes stdin\n! exits 1"
	check(t, runScript(t, script, Binary(self), 10*time.Second), nil)
	check(t, runScript(t, "-- session --\n-> exit\n! exits 0", Binary(self), 10*time.Second), []string{"ended with status 1, want 0"})
}

func TestClosedPortIsRefused(t *testing.T) {
	t.Parallel()
	const script = "-- setup --\nclosed there\n-- session --\n! browser opens ${there}\n! page unreachable"
	check(t, runScript(t, script, fakeLauncher(nil), 10*time.Second), nil)
}
