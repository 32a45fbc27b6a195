package providertest

import (
	"encoding/json"
	"strings"
	"testing"
)

// Who may do what, and with which words GitLab says no.
func TestAPIAccess(t *testing.T) {
	w := start(t, Options{})
	w.AddUser(User{Username: "alex"})
	pat := func(scopes ...string) []string {
		return []string{"PRIVATE-TOKEN", w.AddPersonalAccessToken("sam", scopes...)}
	}
	oauth := func(scopes ...string) []string {
		app := w.AddApplication(Application{Scopes: scopes})
		return []string{"Authorization", "Bearer " + w.Issue("sam", app.ID, scopes...).AccessToken}
	}
	blocked := []string{"PRIVATE-TOKEN", w.AddPersonalAccessToken("alex")}
	w.AddUser(User{Username: "alex", Blocked: true})
	cases := []struct {
		name         string
		method, path string
		headers      []string
		status       int
		body         string
	}{
		{"no token", "GET", "/user", nil, 401, `{"message":"401 Unauthorized"}`},
		{"unknown token", "GET", "/user", []string{"Authorization", "Bearer nothing-known"}, 401, `{"message":"401 Unauthorized"}`},
		{"unknown personal token", "GET", "/user", []string{"PRIVATE-TOKEN", "nothing-known"}, 401, `{"message":"401 Unauthorized"}`},
		{"version without a token", "GET", "/version", nil, 401, `{"message":"401 Unauthorized"}`},
		{"unknown route", "GET", "/nothing", nil, 404, `{"error":"404 Not Found"}`},
		{"method", "DELETE", "/user", oauth("api"), 405, `{"error":"405 Not Allowed"}`},
		{"unknown project", "GET", "/projects/team%2Fnone", oauth("api"), 404, `{"message":"404 Project Not Found"}`},
		{"project", "GET", "/projects/team%2Fproject-07", oauth("api"), 200, `"id":7`},
		{"project by number", "GET", "/projects/7", oauth("api"), 200, `"path_with_namespace":"team/project-07"`},
		{"blocked", "GET", "/user", blocked, 403, `{"message":"403 Forbidden - Your account has been blocked."}`},
		{"read_user and user", "GET", "/user", oauth("read_user"), 200, `"username":"sam"`},
		{"read_user and projects", "GET", "/projects", oauth("read_user"), 403, `"scope":"api read_api"`},
		{"read_api reads", "GET", "/projects", oauth("read_api"), 200, `"id":45`},
		{"read_api writes", "POST", "/projects/7/issues", oauth("read_api"), 403, `"error":"insufficient_scope"`},
		{"personal token", "GET", "/user", pat("api"), 200, `"username":"sam"`},
		{"personal token as bearer", "GET", "/user", []string{"Authorization", "Bearer " + pat("api")[1]}, 200, `"username":"sam"`},
		{"an OAuth token in PRIVATE-TOKEN", "GET", "/user", []string{"PRIVATE-TOKEN", strings.TrimPrefix(oauth("api")[1], "Bearer ")},
			401, `{"message":"401 Unauthorized"}`},
		{"self", "GET", "/personal_access_tokens/self", pat("read_user"), 200, `"scopes":["read_user"]`},
		{"self of OAuth", "GET", "/personal_access_tokens/self", oauth("api"), 400, `400 Bad request`},
		{"version", "GET", "/version", oauth("api"), 200, `"version":"17.11.0"`},
		{"metadata", "GET", "/metadata", oauth("api"), 200, `"version":"17.11.0"`},
		{"no title", "POST", "/projects/7/issues", oauth("api"), 400, `{"error":"title is missing"}`},
	}
	for _, c := range cases {
		r := w.do(c.method, "/api/v4"+c.path, "", c.headers...)
		if r.status != c.status || !strings.Contains(r.body, c.body) {
			t.Errorf("%s: got %d %s", c.name, r.status, r.body)
		}
		if r.header.Get("X-Gitlab-Meta") == "" || r.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", c.name, r.header)
		}
	}
	w.clean()
}

func TestOldVersionsLackEndpoints(t *testing.T) {
	w := start(t, Options{Version: "14.10.5-ee"})
	token := w.AddPersonalAccessToken("sam")
	w.want(w.get("/api/v4/metadata", token), 404, "404 Not Found")
	w.want(w.get("/api/v4/personal_access_tokens/self", token), 404, "404 Not Found")
	if v := w.get("/api/v4/version", token).text("version"); v != "14.10.5-ee" {
		t.Errorf("version %q", v)
	}
}

func TestPersonalAccessTokenRevokesItself(t *testing.T) {
	w := start(t, Options{})
	token := w.AddPersonalAccessToken("sam")
	if r := w.do("DELETE", "/api/v4/personal_access_tokens/self", "", "PRIVATE-TOKEN", token); r.status != 204 || r.body != "" {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	w.want(w.get("/api/v4/user", token), 401, "invalid_token")
}

func TestPagination(t *testing.T) {
	w := start(t, Options{Root: "/gitlab"})
	token := w.AddPersonalAccessToken("sam")
	path, seen := "/api/v4/projects?membership=true", 0
	for pages := 1; ; pages++ {
		r := w.get(path, token)
		var list []map[string]any
		if err := json.Unmarshal([]byte(r.body), &list); err != nil {
			t.Fatal(err)
		}
		seen += len(list)
		if r.header.Get("X-Total") != "45" || r.header.Get("X-Total-Pages") != "3" || r.header.Get("X-Per-Page") != "20" {
			t.Fatalf("headers %v", r.header)
		}
		address, more := strings.CutPrefix(linkTo(r.header.Get("Link"), "next"), w.URL())
		if (r.header.Get("X-Next-Page") != "") != more {
			t.Fatalf("X-Next-Page %q but Link %q", r.header.Get("X-Next-Page"), r.header.Get("Link"))
		}
		if !more {
			if seen != 45 || pages != 3 || r.header.Get("X-Prev-Page") != "2" {
				t.Errorf("%d projects on %d pages", seen, pages)
			}
			break
		}
		if !strings.Contains(address, "membership=true") {
			t.Errorf("the next page forgets the query: %s", address)
		}
		path = address
	}
	for query, want := range map[string]string{"per_page=1000": "100", "per_page=7&page=99": "7"} {
		if r := w.get("/api/v4/projects?"+query, token); r.status != 200 || r.header.Get("X-Per-Page") != want {
			t.Errorf("%s: %d, %s a page", query, r.status, r.header.Get("X-Per-Page"))
		}
	}
	w.want(w.get("/api/v4/projects?page=x", token), 400, "page is invalid")
	w.want(w.get("/api/v4/projects?page=0", token), 400, "page does not have a valid value")
}

func linkTo(header, rel string) string {
	for link := range strings.SplitSeq(header, ", ") {
		if address, ok := strings.CutSuffix(link, `>; rel="`+rel+`"`); ok {
			return strings.TrimPrefix(address, "<")
		}
	}
	return ""
}

func TestIssues(t *testing.T) {
	w := start(t, Options{})
	token := w.AddPersonalAccessToken("sam")
	const path = "/api/v4/projects/team%2Fproject-03/issues"
	create := func(kind, body string) reply {
		return w.do("POST", path, body, "PRIVATE-TOKEN", token, "Content-Type", kind)
	}
	r := create("application/json", `{"title":"One","description":"text"}`)
	if r.status != 201 || r.json["iid"] != 1.0 || r.text("title") != "One" {
		t.Fatalf("created: %d %s", r.status, r.body)
	}
	if r = create("application/x-www-form-urlencoded", "title=Two"); r.status != 201 || r.json["iid"] != 2.0 {
		t.Errorf("form: %d %s", r.status, r.body)
	}
	for _, body := range []string{`{"title":""}`, `{"title":7}`, `[]`, `{`, `{"title":null}`} {
		if r := create("application/json", body); r.status != 400 {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
	if r = w.get(path, token); r.header.Get("X-Total") != "2" || !strings.HasPrefix(r.body, `[{"assignees"`) {
		t.Errorf("list: %s", r.body)
	}
	w.clean()
}
