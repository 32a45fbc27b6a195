package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// seeded is how many projects every server has: three pages of twenty.
const seeded = 45

type project struct {
	id     int64
	path   string // below the group
	issues []*issue
}

type issue struct {
	id, iid            int64
	title, description string
	author             *User
	created            time.Time
}

// group is where all projects are.
const group = "team"

// seedProjects makes the projects team/project-01 to team/project-45, with the
// IDs 1 to 45.
func (g *GitLab) seedProjects() {
	for i := int64(1); i <= seeded; i++ {
		g.projects = append(g.projects, &project{id: i, path: fmt.Sprintf("project-%02d", i)})
	}
}

func (p *project) fullPath() string { return group + "/" + p.path }

func (g *GitLab) showsProject(p *project) map[string]any {
	base, _ := url.Parse(g.url)
	web := g.url + "/" + p.fullPath()
	return map[string]any{
		"id":                  p.id,
		"name":                p.path,
		"name_with_namespace": group + " / " + p.path,
		"path":                p.path,
		"path_with_namespace": p.fullPath(),
		"description":         nil,
		"created_at":          timestamp(epoch),
		"default_branch":      "main",
		"visibility":          "private",
		"archived":            false,
		"web_url":             web,
		"http_url_to_repo":    web + ".git",
		"ssh_url_to_repo":     "git@" + base.Hostname() + ":" + p.fullPath() + ".git",
		"namespace":           map[string]any{"id": 1, "name": group, "path": group, "kind": "group", "full_path": group},
	}
}

// listProjects is GET /projects, newest first as GitLab's.
func (x *exchange) listProjects() {
	if x.reader() == nil {
		return
	}
	newest := slices.Clone(x.g.projects)
	if x.query.Get("sort") != "asc" {
		slices.Reverse(newest)
	}
	paginate(x, newest, x.g.showsProject)
}

// project finds the project that the path names, by ID or by its full path as
// one percent-encoded segment. It answers where there is none.
func (x *exchange) project() *project {
	name := x.params["id"]
	for _, p := range x.g.projects {
		if name == p.fullPath() || name == strconv.FormatInt(p.id, 10) {
			return p
		}
	}
	x.message(http.StatusNotFound, "404 Project Not Found")
	return nil
}

func (x *exchange) showProject() {
	if x.reader() == nil {
		return
	}
	if p := x.project(); p != nil {
		x.json(http.StatusOK, x.g.showsProject(p))
	}
}

func (g *GitLab) showsIssue(p *project, i *issue) map[string]any {
	return map[string]any{
		"id": i.id, "iid": i.iid, "project_id": p.id,
		"title": i.title, "description": i.description, "state": "opened",
		"created_at": timestamp(i.created), "updated_at": timestamp(i.created), "closed_at": nil,
		"labels": []string{}, "assignees": []any{}, "author": g.person(i.author), "confidential": false,
		"web_url": fmt.Sprintf("%s/%s/-/issues/%d", g.url, p.fullPath(), i.iid),
	}
}

func (x *exchange) listIssues() {
	if x.reader() == nil {
		return
	}
	if p := x.project(); p != nil {
		newest := slices.Clone(p.issues)
		slices.Reverse(newest)
		paginate(x, newest, func(i *issue) map[string]any { return x.g.showsIssue(p, i) })
	}
}

// createIssue is POST /projects/:id/issues. Every request makes an issue: one
// that is sent twice makes two.
func (x *exchange) createIssue() {
	t := x.writer()
	if t == nil {
		return
	}
	fields := map[string]any{}
	for name := range x.form {
		fields[name] = x.form.Get(name)
	}
	if x.form == nil && x.entry.Body != "" {
		if err := json.Unmarshal([]byte(x.entry.Body), &fields); err != nil {
			x.json(http.StatusBadRequest, map[string]string{"error": "the body is not a JSON object"})
			return
		}
	}
	title, given := fields["title"]
	if !given {
		x.json(http.StatusBadRequest, map[string]string{"error": "title is missing"})
		return
	}
	text, isText := title.(string)
	if !isText || text == "" {
		x.json(http.StatusBadRequest, map[string]any{"message": map[string]any{"title": []string{"is blank"}}})
		return
	}
	p := x.project()
	if p == nil {
		return
	}
	description, _ := fields["description"].(string)
	made := &issue{
		id: x.g.nextID(), iid: int64(len(p.issues)) + 1,
		title: text, description: description, author: t.user, created: x.g.now(),
	}
	p.issues = append(p.issues, made)
	x.json(http.StatusCreated, x.g.showsIssue(p, made))
}
