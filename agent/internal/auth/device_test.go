package auth_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// byDevice signs sam in on a device whose every wait is over at once. before is
// called with the number of each wait, before the poll that follows it.
func byDevice(t *testing.T, w *world, before func(wait int)) (waits []time.Duration, err error) {
	t.Helper()
	m := w.manager(func(c *auth.Config) {
		c.After = func(d time.Duration) <-chan time.Time {
			waits = append(waits, d)
			before(len(waits))
			over := make(chan time.Time, 1)
			over <- time.Time{}
			return over
		}
	})
	_, err = m.SignInByDevice(t.Context(), w.instance(), auth.SignInOptions{
		Timeout:  patience,
		Started:  func(protocol.DidStartAuthenticationParams, string) {},
		Returned: func() {},
	})
	return waits, err
}

// answer makes the token endpoint answer the next poll.
func (w *world) answer(status int, body string) {
	w.SetFault(providertest.EndpointToken, providertest.Fault{Status: status, Body: body, ContentType: "application/json", Times: 1})
}

func TestADeviceAsksAsOftenAsItIsTold(t *testing.T) {
	w := newWorld(t, settings{options: providertest.Options{DeviceInterval: 2 * time.Second}})
	second := time.Second
	pending, slow := `{"error":"authorization_pending"}`, `{"error":"slow_down"}`
	waits, err := byDevice(t, w, func(wait int) {
		switch wait {
		case 1, 2:
			w.answer(http.StatusBadRequest, pending)
		case 3:
			w.answer(http.StatusBadRequest, slow)
		case 4:
			w.answer(http.StatusBadRequest, pending)
		case 5:
			w.SetFault(providertest.EndpointToken, providertest.Fault{RetryAfter: 300, Times: 1})
		case 6:
			w.SetFault(providertest.EndpointToken, providertest.Fault{DropBefore: true, Times: 1})
		case 7:
			w.answer(http.StatusBadGateway, "")
		case 8: // it is back, and asked as often as before
			w.answer(http.StatusBadRequest, pending)
		case 9: // another failure is the first again
			w.answer(http.StatusBadGateway, "")
		case 10:
			w.answer(http.StatusBadRequest, `{"error":"access_denied"}`)
		}
	})
	if !errors.Is(err, protocol.SignInDenied) {
		t.Errorf("%v, want %v", err, protocol.SignInDenied)
	}
	want := []time.Duration{2 * second, 2 * second, 2 * second, 7 * second, 7 * second, 300 * second, 28 * second, 30 * second, 7 * second, 14 * second}
	if !slices.Equal(waits, want) {
		t.Errorf("the device waited %v, want %v", waits, want)
	}
}

func TestTheEndOfADeviceCode(t *testing.T) {
	for answer, want := range map[string]protocol.Code{
		"expired_token": protocol.SignInTimeout, "access_denied": protocol.SignInDenied, "invalid_grant": protocol.GitLabError,
		"invalid_client": protocol.InvalidClient, "invalid_scope": protocol.InvalidScope, "server_error": protocol.GitLabError,
		"unsupported_grant_type": protocol.UnsupportedVersion, "unsupported_response_type": protocol.UnsupportedVersion,
	} {
		t.Run(answer, func(t *testing.T) {
			w := newWorld(t, settings{})
			waits, err := byDevice(t, w, func(int) { w.answer(http.StatusBadRequest, `{"error":"`+answer+`"}`) })
			if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
			if len(waits) != 1 || waits[0] != 5*time.Second {
				t.Errorf("the device waited %v, want once for GitLab's 5 seconds", waits)
			}
		})
	}
}

func TestAnAnswerThatIsNoDeviceCode(t *testing.T) {
	good := `"device_code":"glfake-dc-abcdefgh","user_code":"ABCD","verification_uri":"https://gitlab.example.com/oauth/device"`
	for name, body := range map[string]string{
		"nothing":                   `{}`,
		"no JSON":                   `<html>`,
		"no code":                   `{"user_code":"ABCD","verification_uri":"https://gitlab.example.com/"}`,
		"a code with a line":        `{"device_code":"a\nb","user_code":"ABCD","verification_uri":"https://gitlab.example.com/"}`,
		"a user code with a line":   `{"device_code":"a","user_code":"A\nB","verification_uri":"https://gitlab.example.com/"}`,
		"a page that runs":          `{"device_code":"a","user_code":"ABCD","verification_uri":"javascript:alert(1)"}`,
		"a page with a user":        `{"device_code":"a","user_code":"ABCD","verification_uri":"https://gitlab.example.com@evil.example.com/"}`,
		"another page that runs":    `{` + good + `,"verification_uri_complete":"file:///etc/passwd"}`,
		"a code twice":              `{` + good + `,"user_code":"EFGH"}`,
		"a code that is a number":   `{"device_code":1,"user_code":"ABCD","verification_uri":"https://gitlab.example.com/"}`,
		"a page that is not a page": `{"device_code":"a","user_code":"ABCD","verification_uri":"gitlab"}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, settings{})
			w.SetFault(providertest.EndpointDevice, providertest.Fault{Status: http.StatusOK, Body: body, ContentType: "application/json"})
			_, err := byDevice(t, w, func(int) { t.Error("the device asks for tokens") })
			if !errors.Is(err, protocol.NotGitLab) {
				t.Errorf("%v, want %v", err, protocol.NotGitLab)
			}
		})
	}
}
