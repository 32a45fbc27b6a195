package script

import (
	"strings"
	"testing"
)

func TestAnAnswerIsThatOfItsCall(t *testing.T) {
	s, err := Parse("", []byte(`Prose.

-- session --
-> 1 gitlabSM/status {"n": 1}
-> 2 gitlabSM/request {
  "path": "/user"}
<- gitlabSM/didChangeInstances {"instances": []}
->2 1 gitlabSM/diagnose
<-2 1 result {}
<- 1 result {"instances": []}
<- 2 error
  NotConfigured
-> 3 gitlabSM/status
-> 3 gitlabSM/token
<- 3 result {}
<- window/showDocument {"n": 1}
<- window/showDocument {"n": 2}
-> reply window/showDocument result {}
-> exit
-> exit
`), Commands{})
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string]string{
		"gitlabSM/status":             `-> 1 gitlabSM/status {"n": 1} ~ <- 1 result {"instances": []}; -> 3 gitlabSM/status`,
		"gitlabSM/request":            "-> 2 gitlabSM/request {\n  \"path\": \"/user\"} ~ <- 2 error\n  NotConfigured",
		"gitlabSM/didChangeInstances": `<- gitlabSM/didChangeInstances {"instances": []}`,
		"gitlabSM/diagnose":           `->2 1 gitlabSM/diagnose ~ <-2 1 result {}`,
		"gitlabSM/token":              "-> 3 gitlabSM/token ~ <- 3 result {}",
		"window/showDocument": `<- window/showDocument {"n": 1}; ` +
			`<- window/showDocument {"n": 2} ~ -> reply window/showDocument result {}`,
		"exit":                 "-> exit; -> exit",
		"gitlabSM/unconfigure": "",
	} {
		var texts []string
		for _, exchange := range s.Exchanges(method) {
			text := exchange.Call.Text
			if exchange.Answer != nil {
				text += " ~ " + exchange.Answer.Text
			}
			texts = append(texts, text)
		}
		if got := strings.Join(texts, "; "); got != want {
			t.Errorf("%s: got %q, want %q", method, got, want)
		}
	}
}
