package secret_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
)

// knows returns a set of secrets.
func knows(secrets ...string) *secret.Known {
	known := new(secret.Known)
	for _, s := range secrets {
		known.Add(secret.New(s))
	}
	return known
}

func TestAKnownSecretIsReplaced(t *testing.T) {
	const odd = `glfake-a+b/c="é" \%41&x`
	for name, c := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"as it is":            {[]string{"glfake-1"}, "the token glfake-1 is refused", "the token [secret] is refused"},
		"twice":               {[]string{"glfake-1"}, "glfake-1glfake-1, glfake-1", "[secret][secret], [secret]"},
		"the whole text":      {[]string{"glfake-1"}, "glfake-1", "[secret]"},
		"none":                {[]string{"glfake-1"}, "the token is refused", "the token is refused"},
		"nothing known":       {nil, "the token is refused: 401", "the token is refused: 401"},
		"in a query":          {[]string{odd}, "at ?q=glfake-a%2Bb%2Fc%3D%22%C3%A9%22+%5C%2541%26x&r", "at ?q=[secret]&r"},
		"in a query, lower":   {[]string{odd}, "at ?q=glfake-a%2bb%2fc%3d%22%c3%a9%22%20%5c%2541%26x&r", "at ?q=[secret]&r"},
		"in part escaped":     {[]string{"glfake-a+b/c"}, "at ?q=glfake-a%2Bb/c&r", "at ?q=[secret]&r"},
		"in a path":           {[]string{odd}, "at /glfake-a+b%2Fc=%22%C3%A9%22%20%5C%2541&x/r", "at /[secret]/r"},
		"escaped letters":     {[]string{"glfake-1"}, "at ?q=%67lf%61ke%2D1&r", "at ?q=[secret]&r"},
		"in JSON":             {[]string{odd}, `["glfake-a+b/c=\"é\" \\%41\u0026x"]`, `["[secret]"]`},
		"in JSON, otherwise":  {[]string{odd}, `["glfake-a\u002bb\/c=\"\u00e9\" \\%41&x"]`, `["[secret]"]`},
		"beyond 16 bits":      {[]string{"glfake-😀"}, `["glfake-\ud83d\ude00"]`, `["[secret]"]`},
		"half a pair":         {[]string{"glfake-1"}, `["\ud83d\u0041 glfake-1"]`, `["\ud83d\u0041 [secret]"]`},
		"quoted as by Go":     {[]string{"glfake-\x01\xffé\U0010ffff"}, `got "glfake-\x01\xffé\U0010ffff"`, `got "[secret]"`},
		"JSON in JSON":        {[]string{odd}, `{"a":"{\"b\":\"glfake-a+b/c=\\\"é\\\" \\\\%41\\u0026x\"}"}`, `{"a":"{\"b\":\"[secret]\"}"}`},
		"a URL in a URL":      {[]string{"glfake-a+b"}, "?u=http%3A%2F%2Fx%2F%3Fq%3Dglfake-a%252Bb%26r", "?u=http%3A%2F%2Fx%2F%3Fq%3D[secret]%26r"},
		"a URL in JSON":       {[]string{"glfake-a+b"}, `{"u":"http:\/\/x\/?q=glfake-a%2Bb\u0026r"}`, `{"u":"http:\/\/x\/?q=[secret]\u0026r"}`},
		"JSON in a URL":       {[]string{`glfake-"b`}, `?j=%7B%22a%22%3A%22glfake-%5C%22b%22%7D`, `?j=%7B%22a%22%3A%22[secret]%22%7D`},
		"not UTF-8, in JSON":  {[]string{"glfake-\xff\xfe"}, `["glfake-\ufffd\ufffd"]`, `["[secret]"]`},
		"base64":              {[]string{"glfake-1"}, "got Z2xmYWtlLTE= there", "got [secret] there"},
		"base64, after one":   {[]string{"glfake-1"}, "got OmdsZmFrZS0x there", "got [secret] there"},
		"base64, after two":   {[]string{"glfake-1"}, "got YTpnbGZha2UtMQ there", "got [secret] there"},
		"base64 of a user":    {[]string{"glfake-1"}, "got b2F1dGgyOmdsZmFrZS0xLW1vcmU= there", "got [secret] there"},
		"base64 of URLs":      {[]string{"glfake->>>???"}, "got Z2xmYWtlLT4-Pj8_Pw there", "got [secret] there"},
		"base64 in a URL":     {[]string{"glfake->>>???"}, "?q=Z2xmYWtlLT4%2BPj8%2FPw%3D%3D&r", "?q=[secret]&r"},
		"one in another":      {[]string{"glfake-1", "glfake-1-glfake-2", "fake"}, "a glfake-1-glfake-2 b", "a [secret] b"},
		"overlapping":         {[]string{"glfake-1-xyz", "xyz-glfake-2"}, "a glfake-1-xyz-glfake-2 b", "a [secret] b"},
		"overlapping itself":  {[]string{"abcab"}, "abcabcab", "[secret]"},
		"the word itself":     {[]string{"secret"}, "a secret [secret]", "a [secret] [secret]"},
		"around the word":     {[]string{"x[secret]y"}, "a x[secret]y b", "a [secret] b"},
		"made by replacing":   {[]string{"glfake-1", "t]xyz"}, "a glfake-1xyz b", "a [secret] b"},
		"made again":          {[]string{"glfake-1", "t]xx"}, "a glfake-1" + strings.Repeat("x", 5), "a [secret]x"},
		"too short":           {[]string{"abc"}, "abc", "abc"},
		"the shortest":        {[]string{"abcd"}, "abcd", "[secret]"},
		"a lone escape":       {[]string{"glfake-1"}, `50% of glfake-1 \`, `50% of [secret] \`},
		"behind an escape":    {[]string{"bc/d"}, `%abc%2Fd`, `%a[secret]`},
		"not in an attribute": {[]string{"glfake-1"}, "a\nglfake-1\r\n", "a\n[secret]\r\n"},
	} {
		if got := knows(c.secrets...).Redact(c.text); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", name, c.text, got, c.want)
		}
	}
}

func TestOnlyAKnownSecretIsHidden(t *testing.T) {
	const text = "the code: abc, token=glf%61ke-1&state=def, https://a@b"
	if got, want := knows("glfake-1").Hide(text), "the code: abc, token=[secret]&state=def, https://a@b"; got != want {
		t.Errorf("what is left is %q, want %q", got, want)
	}
}

// Replacing that would never end ends with nothing of the text.
func TestASecretThatGrowsOutOfTheWordLeavesNothing(t *testing.T) {
	if got := knows("glfake-1", "t]xx").Redact("a glfake-1" + strings.Repeat("x", 100)); got != "[secret]" {
		t.Errorf("what is left is %q", got)
	}
}

func TestASecretNobodyHasSeenIsReplaced(t *testing.T) {
	for text, want := range map[string]string{
		// Headers.
		"Authorization: Bearer a b\r\nAccept: c":        "Authorization: [secret]\r\nAccept: c",
		"PRIVATE-TOKEN: abc":                            "PRIVATE-TOKEN: [secret]",
		"job-token:abc":                                 "job-token:[secret]",
		"Deploy-Token: abc":                             "Deploy-Token: [secret]",
		"Cookie: a=b; c=d":                              "Cookie: [secret]",
		"Set-Cookie: _gitlab_session=b; path=/":         "Set-Cookie: [secret]",
		"Proxy-Authorization: Basic abc":                "Proxy-Authorization: [secret]",
		`{"Authorization":["Bearer a]b"],"Accept":[1]}`: `{"Authorization":[secret],"Accept":[1]}`,
		"map[Accept:[x] Authorization:[Bearer abc]]":    "map[Accept:[x] Authorization:[secret]]",
		`{\"Cookie\":\"a\"}`:                            `{\"Cookie\":[secret]`,
		// Parameters.
		"grant_type=a&client_secret=abc&b=c":                     "grant_type=a&client_secret=[secret]&b=c",
		"?code=abc&state=def&scope=api":                          "?code=[secret]&state=[secret]&scope=api",
		"code_verifier=a refresh_token=b access_token=c token=d": "code_verifier=[secret] refresh_token=[secret] access_token=[secret] token=[secret]",
		"private_token=a&job_token=b&id_token=c&password=d":      "private_token=[secret]&job_token=[secret]&id_token=[secret]&password=[secret]",
		"secret=a&device_code=b&user_code=c":                     "secret=[secret]&device_code=[secret]&user_code=[secret]",
		"%63ode%3Dabc%26scope%3Dapi":                             "%63ode%3D[secret]%26scope%3Dapi",
		`{"clientSecret":"a\"b","url":"c"}`:                      `{"clientSecret":[secret],"url":"c"}`,
		`{"accessToken" : "a", "refreshToken":"b"}`:              `{"accessToken" : [secret], "refreshToken":[secret]}`,
		`{"callbackUrl":"http://a?b","code":["a","b"],"c":1}`:    `{"callbackUrl":[secret],"code":[secret],"c":1}`,
		`"{\"token\":\"abc\",\"scope\":\"api\"}"`:                `"{\"token\":[secret],\"scope\":\"api\"}"`,
		"{Access:{Token:abc Scope:api}}":                         "{Access:{Token:[secret] Scope:api}}",
		`CI_JOB_TOKEN="abc" go`:                                  `CI_JOB_TOKEN=[secret] go`,
		"user[password]=abc&b":                                   "user[password]=[secret]&b",
		`token := "abc"`:                                         `token := [secret]`,
		`{"token":"abc`:                                          `{"token":[secret]`,
		`{"token":["abc`:                                         `{"token":[secret]`,
		// By what they look like.
		"https://sam:pass@word@gitlab.example.com/a": "https://[secret]@gitlab.example.com/a",
		"https://abc@gitlab.example.com":             "https://[secret]@gitlab.example.com",
		"got glpat-abcdefgh.01.abc!":                 "got [secret]!",
		"got my-glpat-abcdefghij":                    "got my-[secret]",
		"gloas-12345678 gldt-12345678 glrt-12345678": "[secret] [secret] [secret]",
		"glrtr-12345678 glcbt-12345678":              "[secret] [secret]",
		"glptt-12345678 glft-12345678":               "[secret] [secret]",
		"glimt-12345678 glagent-12345678":            "[secret] [secret]",
		"glwt-12345678 glsoat-12345678":              "[secret] [secret]",
		"glffct-12345678":                            "[secret]",
		"eyJhbGciOiJub25l.eyJzdWIiOiIx.":             "[secret]",
		"with Bearer abcdefghijklmnopqr":             "with Bearer [secret]",
		"with basic YWJjZGVmZ2hpamtsbW4=":            "with basic [secret]",
		// What is to be read.
		`Post "https://gitlab.example.com/oauth/token": dial tcp: refused`: "",
		`{"code":-32700,"message":"the token is bad"}`:                     "",
		"exit code: 2, state: null, token=":                                "",
		`{"token":"","secret":null}`:                                       "",
		"ssh://git@gitlab.example.com:22/a/b.git":                          "",
		"response_type=code&code_challenge=abc&token_type=Bearer":          "",
		"the prefix glpat- and Bearer realm=\"GitLab\"":                    "",
		"agent.(*Agent).token(0xc000) agent/token.go:12 +0x1d":             "",
		"basic authentication, 12:30:01":                                   "",
	} {
		if want == "" {
			want = text
		}
		if got := new(secret.Known).Redact(text); got != want {
			t.Errorf("%q becomes\n%q, want\n%q", text, got, want)
		}
	}
}

func TestWhatIsRedactedStaysAsItIs(t *testing.T) {
	known := knows("glfake-1")
	for _, text := range []string{"Authorization: Bearer x, glfake-1", `token="glfake-1" a`, "https://a:b@c/?code=d"} {
		once := known.Redact(text)
		if twice := known.Redact(once); twice != once {
			t.Errorf("%q becomes %q, and then %q", text, once, twice)
		}
	}
}

// The oldest are forgotten; one that is used again is not among them.
func TestTheMostRecentSecretsAreKnown(t *testing.T) {
	const most = 4096
	name := func(i int) string { return fmt.Sprintf("glfake-%05d", i) }
	known := new(secret.Known)
	for i := range most {
		known.Add(secret.New(name(i)))
	}
	known.Add(secret.New(name(0)))
	known.Add(secret.New(name(most)))
	for i, want := range map[int]string{0: "[secret]", 1: name(1), 2: "[secret]", most: "[secret]"} {
		if got := known.Redact(name(i)); got != want {
			t.Errorf("%s becomes %q, want %q", name(i), got, want)
		}
	}
}

// Two secrets can have a form in common, which stays known with either.
func TestAFormOfTwoSecretsIsForgottenWithTheSecond(t *testing.T) {
	known := knows("glfake 1", "glfake+1") // one is the other in a query
	for i := range 4095 {
		known.Add(secret.New(fmt.Sprint("glfake-", i)))
	}
	if got := known.Redact("a glfake+1 b"); got != "a [secret] b" {
		t.Errorf("the form that is left becomes %q", got)
	}
}

func TestSecretsFromManyGoroutines(t *testing.T) {
	known := new(secret.Known)
	done := make(chan struct{})
	for g := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 2000 {
				text := fmt.Sprintf("glfake-%d-%d", g, i)
				known.Add(secret.New(text))
				if got := known.Redact("a " + text + " b"); got != "a [secret] b" {
					t.Errorf("%q is not replaced: %q", text, got)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
}

func BenchmarkRedact(b *testing.B) {
	known := new(secret.Known)
	for i := range 4096 {
		known.Add(secret.New(fmt.Sprintf("glpat-%032x", i*2654435761)))
	}
	for name, text := range map[string]string{
		"message": "a request was answered",
		"url":     "https://gitlab.example.com/api/v4/projects/group%2Fproject/merge_requests?page&per_page",
		"error":   `Get "https://gitlab.example.com/api/v4/user": dial tcp 127.0.0.1:443: connect: connection refused`,
		"stack":   strings.Repeat("github.com/teamcodestream/codestream-agent/agent.(*Agent).token(0xc0000b4000)\n\tagent/account.go:122 +0x1d\n", 20),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if known.Redact(text) != text {
					b.Fatal("a line without a secret was changed")
				}
			}
		})
	}
}
