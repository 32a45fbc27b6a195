// Package gitlabsm is the provider for GitLab Self-Managed: its URLs, its OAuth
// endpoints, its REST API v4 (https://docs.gitlab.com/api/rest/), its errors,
// and the remotes under which git reaches its projects.
//
// Start at [Provider].
package gitlabsm
