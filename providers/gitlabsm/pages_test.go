package gitlabsm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// a list is what a server has: the numbers from 1 to its value.
type list int

// page answers with one page as GitLab does; total is false where GitLab does not
// count, and links are for another host than the one that was asked.
func (l list) page(w http.ResponseWriter, r *http.Request, total bool) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	per, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	page = max(page, 1)
	items := []int{}
	for i := (page-1)*per + 1; i <= min(page*per, int(l)); i++ {
		items = append(items, i)
	}
	if page*per < int(l) {
		next := r.URL.Query()
		next.Set("page", strconv.Itoa(page+1))
		w.Header().Set("Link", fmt.Sprintf(`<https://internal.invalid/x?first>; rel="first", <https://internal.invalid/x?%s>; rel="next"`, next.Encode()))
	}
	if total {
		w.Header().Set("X-Total-Pages", strconv.Itoa((int(l)+per-1)/per))
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(items)
}

func wantNumbers(t *testing.T, name string, got protocol.CallAPIResult, err error, from, to int) {
	t.Helper()
	var numbers []int
	if err == nil {
		err = json.Unmarshal(got.Body, &numbers)
	}
	want := []int{}
	for i := from; i <= to; i++ {
		want = append(want, i)
	}
	if err != nil || got.Status != 200 || !slices.Equal(numbers, want) {
		t.Errorf("%s: got %d %v, %v; want %d to %d", name, got.Status, numbers, err, from, to)
	}
}

func allOf(path string) protocol.CallAPIParams {
	return protocol.CallAPIParams{Path: path, AllPages: true}
}

func TestAllPagesOfGitLabInOrder(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{})
	gitlab.AddUser(providertest.User{Username: "sam"})
	client := providers.NewClient(withBearer(gitlab.AddPersonalAccessToken("sam"))(http.DefaultTransport), gitlab.URL())
	got, err := gitlabsm.Provider{}.Host(gitlab.URL(), client).Call(t.Context(), allOf("/projects?sort=asc&per_page=4"))
	if err != nil {
		t.Fatal(err)
	}
	var projects []struct{ ID int }
	if err := json.Unmarshal(got.Body, &projects); err != nil || len(projects) != 45 {
		t.Fatalf("%d projects, %v", len(projects), err)
	}
	for i, p := range projects {
		if p.ID != i+1 {
			t.Errorf("at %d: %d", i, p.ID)
		}
	}
	if got.Headers["x-total"] != "45" {
		t.Errorf("the headers are not the first page's: %v", got.Headers)
	}
	if n := gitlab.Count("GET", "/api/v4/projects"); n != 12 {
		t.Errorf("%d requests for 12 pages", n)
	}
}

func TestWaysThroughPages(t *testing.T) {
	for name, c := range map[string]struct {
		path     string
		total    bool
		length   list
		from     int
		requests int
	}{
		"counted":                 {"/x?per_page=3", true, 10, 1, 4},
		"a hundred a page":        {"/x", true, 201, 1, 3},
		"one page":                {"/x", true, 100, 1, 1},
		"none":                    {"/x", true, 0, 1, 1},
		"not counted":             {"/x?per_page=3", false, 10, 1, 4},
		"not counted, one page":   {"/x?per_page=3", false, 3, 1, 1},
		"not counted, none":       {"/x", false, 0, 1, 1},
		"keyset":                  {"/x?per_page=3&pagination=keyset", true, 10, 1, 4},
		"from a page on":          {"/x?per_page=3&page=3", true, 10, 7, 2},
		"from a page on, unasked": {"/x?per_page=3&page=3", false, 10, 7, 2},
	} {
		var requests atomic.Int32
		got, err := call(t, allOf(c.path), func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			c.length.page(w, r, c.total)
		})
		wantNumbers(t, name, got, err, c.from, int(c.length))
		if n := int(requests.Load()); n != c.requests {
			t.Errorf("%s: %d requests, want %d", name, n, c.requests)
		}
	}
}

// A keyset's next page is known by its query alone, such as id_after.
func TestKeysetLinks(t *testing.T) {
	next := map[string]string{"": "id_after=2&per_page=100", "2": "id_after=4&per_page=100"}
	for _, form := range []string{`<https://x.invalid/y?%s>; rel="next"`, `<?%s>;rel=next`, `<//x.invalid?%s> ; rel="next", <?z>; rel="prev"`} {
		got, err := call(t, allOf("/x"), func(w http.ResponseWriter, r *http.Request) {
			after := r.URL.Query().Get("id_after")
			if query := next[after]; query != "" {
				w.Header().Set("Link", fmt.Sprintf(form, query))
			}
			from, _ := strconv.Atoi(after)
			sends(200, fmt.Sprintf("[%d,%d]", from+1, from+2), "Content-Type", "application/json")(w, r)
		})
		wantNumbers(t, form, got, err, 1, 6)
	}
}

// A space would end the request line, and what follows would be taken for HTTP's
// version.
func TestLinkWithASpaceIsEscaped(t *testing.T) {
	var last atomic.Value
	_, err := call(t, allOf("/x"), func(w http.ResponseWriter, r *http.Request) {
		last.Store(r.RequestURI)
		sends(200, "[1]", "Content-Type", "application/json", "Link", `<?cursor=a b HTTP/1.1>; rel="next"`)(w, r)
	})
	if err != nil || last.Load() != "/api/v4/x?cursor=a+b+HTTP%2F1.1" {
		t.Errorf("asked last for %q, %v", last.Load(), err)
	}
}

func TestLinksThatLeadNowhere(t *testing.T) {
	for _, link := range []string{
		`<%zz://>; rel="next"`, `<https://x/?per_page=100>; rel="next"`, `rel="next"`, `<>; rel="next"`, `<?a>; rel="prev"`, `<?a>; rel="nextish"`, "",
	} {
		var requests atomic.Int32
		got, err := call(t, allOf("/x"), func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			sends(200, "[1]", "Content-Type", "application/json", "Link", link)(w, r)
		})
		if wantNumbers(t, link, got, err, 1, 1); requests.Load() != 1 {
			t.Errorf("%s: %d requests", link, requests.Load())
		}
	}
}

func TestTooManyPages(t *testing.T) {
	var requests atomic.Int32
	counted := func(link, total string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			header := []string{"Content-Type", "application/json"}
			if link != "" {
				header = append(header, "Link", fmt.Sprintf(link, requests.Load()))
			}
			if total != "" {
				header = append(header, "X-Total-Pages", total)
			}
			requests.Add(1)
			sends(200, "[1]", header...)(w, r)
		}
	}
	for name, c := range map[string]struct {
		server http.HandlerFunc
		want   int32
	}{
		"counted": {counted("", "1001"), 1},
		"linked":  {counted(`<?page=%d>; rel="next"`, ""), 1000},
	} {
		requests.Store(0)
		_, err := call(t, allOf("/x"), c.server)
		wantCode(t, name, err, protocol.GitLabError)
		if n := requests.Load(); n != c.want {
			t.Errorf("%s: %d requests, want %d", name, n, c.want)
		}
	}
	got, err := call(t, allOf("/x?per_page=1"), func(w http.ResponseWriter, r *http.Request) { list(1000).page(w, r, true) })
	wantNumbers(t, "just as many as can be", got, err, 1, 1000)
	got, err = call(t, allOf("/x"), counted("", "-5"))
	wantNumbers(t, "a total that is none", got, err, 1, 1)
}

// Together pages are as bounded as one answer is.
func TestPagesThatAreTooLargeTogether(t *testing.T) {
	half := `["` + strings.Repeat("a", providers.MaxBody/2) + `"]`
	var requests atomic.Int32
	_, err := call(t, allOf("/x"), func(w http.ResponseWriter, r *http.Request) {
		link := fmt.Sprintf(`<?page=%d>; rel="next"`, requests.Add(1)+1)
		sends(200, half, "Content-Type", "application/json", "Link", link)(w, r)
	})
	wantCode(t, "linked", err, protocol.GitLabError)
	if requests.Load() != 2 {
		t.Errorf("%d requests", requests.Load())
	}
}

func TestPagesThatAreNoLists(t *testing.T) {
	for name, c := range map[string]struct{ first, second, total string }{
		"an object":                {`{"id":1}`, `[]`, "2"},
		"a string":                 {`"x"`, `[]`, "2"},
		"an object later":          {`[1]`, `{"id":1}`, "2"},
		"an object after the link": {`[1]`, `{"id":1}`, ""},
	} {
		_, err := call(t, allOf("/x"), func(w http.ResponseWriter, r *http.Request) {
			body := c.first
			if r.URL.Query().Get("page") == "2" {
				body = c.second
			}
			sends(200, body, "Content-Type", "application/json", "X-Total-Pages", c.total, "Link", `<?page=2>; rel="next"`)(w, r)
		})
		e := wantCode(t, name, err, protocol.InvalidParams)
		if !strings.Contains(e.Message, "list") {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
}

func TestOnePageFails(t *testing.T) {
	for name, bad := range map[string]string{"the first": "1", "one of many": "3", "the last": "10"} {
		_, err := call(t, allOf("/x?per_page=1"), func(w http.ResponseWriter, r *http.Request) {
			if page := r.URL.Query().Get("page"); page == bad || page == "" && bad == "1" {
				sends(404, `{"message":"404 gone"}`, "Content-Type", "application/json")(w, r)
				return
			}
			list(10).page(w, r, true)
		})
		wantCode(t, name, err, protocol.NotFound)
		_, err = call(t, allOf("/x?per_page=1"), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("page") == "2" {
				panic(http.ErrAbortHandler)
			}
			list(10).page(w, r, false)
		})
		wantCode(t, name+", linked", err, protocol.HostUnreachable)
	}
}
