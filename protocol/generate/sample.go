package main

import (
	"cmp"
	"strings"

	"github.com/teamcodestream/codestream-agent/protocol/script"
)

// known are the samples for the placeholders that mean the same in every script.
var known = map[string]string{
	"gitlab": "https://gitlab.example.com",
	"time":   "2026-03-02T09:30:00Z",
	"port":   "43117",
	"number": "7",
}

// samples stand in examples where a script has another placeholder: by the field
// that it fills, or by the last part of its name, as "clientId" in
// "${app.clientId}".
var samples = map[string]string{
	"instance":             "https://gitlab.example.com",
	"url":                  "https://gitlab.example.com",
	"expiresAt":            "2026-03-02T11:30:00Z",
	"version":              "17.11.0",
	"account":              "7",
	"username":             "sam",
	"login":                "sam",
	"user":                 "sam",
	"name":                 "Sam Doe",
	"Instance.name":        "gitlab.example.com",
	"ProgressToken":        "sign-in-1",
	"Instance.redirectUri": "http://127.0.0.1/no-auth/provider-token/gitlab_enterprise",
	"email":                "sam@example.com",
	"webUrl":               "https://gitlab.example.com/sam",
	"avatarUrl":            "https://gitlab.example.com/uploads/avatar.png",
	"clientId":             "the-application-id",
	"clientSecret":         "the-application-secret",
	"accessToken":          "the-access-token",
	"token":                "the-access-token",
	"tokenType":            "Bearer",
	"gitUsername":          "oauth2",
	"scopes":               "api",
	"state":                "the-state",
	"code":                 "the-code",
	"redirectUri":          "http://127.0.0.1:43117/no-auth/provider-token/gitlab_enterprise",
	"authorizeUrl":         "https://gitlab.example.com/oauth/authorize?response_type=code&client_id=the-application-id",
	"callbackUrl": "http://127.0.0.1:43117/no-auth/provider-token/gitlab_enterprise" +
		"?code=the-code&state=the-state",
	"verificationUri":         "https://gitlab.example.com/oauth/device",
	"verificationUriComplete": "https://gitlab.example.com/oauth/device?user_code=ABCD1234",
	"userCode":                "ABCD1234",
	"remote":                  "git@gitlab.example.com:group/project.git",
	"projectPath":             "group/project",
	"uri":                     "https://gitlab.example.com/oauth/authorize",
	"dir":                     "/home/sam/.local/share/codestream-agent",
	"dataDir":                 "/home/sam/.local/share/codestream-agent",
	"detail":                  "as it should be",
	"message":                 "a sentence for the user",
	"title":                   "Signing in",
	"id":                      "7",
}

// sampler puts samples in the place of placeholders.
type sampler struct {
	model *Model
	depth int
}

// fill returns v, which is a t and the value of the field, without placeholders.
func (s *sampler) fill(v *script.Value, t Type, field string) *script.Value {
	if v.Kind == script.Text {
		return s.fillText(v, t, field)
	}
	filled := &script.Value{Kind: v.Kind, Text: v.Text}
	for i, member := range v.Values {
		name := member.Placeholder()
		switch {
		case v.Kind == script.Array && name != "rest": // there may be more
			elem := Type{Kind: Any}
			if t.Kind == List {
				elem = *t.Elem
			}
			filled.Values = append(filled.Values, s.fill(member, elem, field))
		case v.Kind == script.Object && name != "absent": // there is no such field
			key := v.Keys[i]
			filled.Keys = append(filled.Keys, key)
			filled.Values = append(filled.Values, s.fill(member, s.member(t, key), sampleKey(t, key)))
		}
	}
	return filled
}

func (s *sampler) fillText(v *script.Value, t Type, field string) *script.Value {
	if name := v.Placeholder(); name != "" && !strings.HasPrefix(name, "contains:") {
		return s.typed(t, lastPart(name), field)
	}
	text := v.Text
	for script.Placeholders.MatchString(text) { // one may stand within another
		text = script.Placeholders.ReplaceAllStringFunc(text, func(p string) string {
			return inText(p[2 : len(p)-1])
		})
	}
	return script.NewScalar(text)
}

// inText returns the sample for a placeholder that is a part of a string.
func inText(name string) string {
	if part, ok := strings.CutPrefix(name, "contains:"); ok {
		return part
	}
	return named(lastPart(name), "")
}

// member returns the type of a member of an object that is a t.
func (s *sampler) member(t Type, name string) Type {
	if t.Kind == Map {
		return *t.Elem
	}
	if st := s.model.Struct(t.Name); t.Kind == Ref && st != nil {
		if f := st.Field(name); f != nil {
			return f.Type
		}
	}
	return Type{Kind: Any}
}

// typed returns a sample of a type, for a placeholder called name that fills a
// field.
func (s *sampler) typed(t Type, name, field string) *script.Value {
	switch t.Kind {
	case Null:
		return script.NewScalar(nil)
	case Boolean:
		return script.NewScalar(true)
	case Integer, Number:
		return script.NewScalar(7)
	case Time:
		return script.NewScalar(cmp.Or(samples[field], known["time"]))
	case Empty, Map:
		return &script.Value{Kind: script.Object}
	case List:
		if text, ok := samples[field]; ok && t.Elem.Kind == String {
			return &script.Value{Kind: script.Array, Values: []*script.Value{script.NewScalar(text)}}
		}
		return &script.Value{Kind: script.Array}
	case Any:
		if known[name] == "" && samples[name] == "" && samples[field] == "" {
			return &script.Value{Kind: script.Object}
		}
	case Ref:
		return s.reference(t, name, field)
	}
	return script.NewScalar(named(name, field))
}

func (s *sampler) reference(t Type, name, field string) *script.Value {
	if st := s.model.Struct(t.Name); st != nil && s.depth < 8 {
		s.depth++
		defer func() { s.depth-- }()
		v := &script.Value{Kind: script.Object}
		for _, f := range st.Fields {
			if !f.Optional {
				v.Keys = append(v.Keys, f.Name)
				v.Values = append(v.Values, s.typed(f.Type, "any", sampleKey(t, f.Name)))
			}
		}
		return v
	}
	for _, e := range s.model.Enums {
		if e.Name == t.Name {
			return script.NewScalar(e.Values[0].Value)
		}
	}
	if text, ok := samples[t.Name]; ok { // an alias
		return script.NewScalar(text)
	}
	return script.NewScalar(named(name, field))
}

// sampleKey returns under what the sample for a field stands.
func sampleKey(t Type, field string) string {
	if qualified := t.Name + "." + field; samples[qualified] != "" {
		return qualified
	}
	return field
}

// named returns the sample for a placeholder in a field, or what shows that
// something stands there.
func named(name, field string) string {
	return cmp.Or(known[name], samples[field], samples[name], "…")
}

// lastPart returns the name after the last of the dots and colons in "bind:x.y".
func lastPart(name string) string {
	if i := strings.LastIndexAny(name, ".:"); i >= 0 {
		return name[i+1:]
	}
	return name
}
