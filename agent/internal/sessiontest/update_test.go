package sessiontest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestUpdateRewritesOnlyWhatIsExpected(t *testing.T) {
	t.Parallel()
	hooks := map[string]hook{"gitlabSM/status": func(a *fakeAgent, id, params json.RawMessage) {
		var p struct{ Instance string }
		_ = json.Unmarshal(params, &p)
		a.notify("gitlabSM/didStartAuthentication", fmt.Sprintf(`{"instance":%q,"method":"browser","authorizeUrl":%q,`+
			`"redirectUri":"http://127.0.0.1:4711/cb","expiresAt":"2030-01-02T03:04:05Z"}`, p.Instance, p.Instance+"/oauth/authorize?state=1"))
		a.result(id, emptyStatus)
		a.message("late")
	}}
	const before = `Prose.
-- setup --
gitlab   gl
-- session --
# a comment
->  1 gitlabSM/status {"instance":   "${gl}"}
<-  gitlabSM/didStartAuthentication {"method": "device", "instance": "${string}",
   "expiresAt": "never"}
<- 1 error NotConfigured

! gl counts GET /x 0
-- file.txt --
untouched
`
	const after = `Prose.
-- setup --
gitlab   gl
-- session --
# a comment
->  1 gitlabSM/status {"instance":   "${gl}"}
<- gitlabSM/didStartAuthentication {"method": "browser", "instance": "${string}", "expiresAt": "${time}"}
<- 1 result {"instances": [], "store": {"dataDir": "", "key": "none"}, "problems": []}

! gl counts GET /x 0
<- window/showMessage {"type": 3, "message": "late"}
-- file.txt --
untouched
`
	update := func(text string) string {
		script, err := parse("", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		updated, err := run(script, config{
			launch:  func(dataDir string, env []string) *Process { return fakeLauncher(hooks)(t, dataDir, env) },
			root:    t.TempDir(),
			timeout: 10 * time.Second,
			update:  true,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(updated)
	}
	if got := update(before); got != after {
		t.Errorf("got:\n%s\nwant:\n%s", got, after)
	}
	if got := update(after); got != "" {
		t.Errorf("a script that is right was changed to:\n%s", got)
	}
	const empty = "Prose.\n-- setup --\ngitlab gl\n-- session --\n-> 1 gitlabSM/status {\"instance\": \"${gl}\"}"
	const filled = empty + `
<- gitlabSM/didStartAuthentication {
    "instance": "${gl}",
    "method": "browser",
    "authorizeUrl": "${gl}/oauth/authorize?${string}",
    "redirectUri": "http://127.0.0.1:${port}/cb",
    "expiresAt": "${time}"}
<- 1 result {"instances": [], "store": {"dataDir": "", "key": "none"}, "problems": []}
<- window/showMessage {"type": 3, "message": "late"}
`
	if got := update(empty); got != filled {
		t.Errorf("got:\n%s\nwant:\n%s", got, filled)
	}
}
