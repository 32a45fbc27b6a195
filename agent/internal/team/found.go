package team

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
)

// Instance is an instance with where it comes from.
type Instance struct {
	store.Instance
	Source protocol.Source
	// Origin is the file, or the registry, that it comes from; empty for the store.
	Origin string
	// Folder is the folder of the workspace whose file names it.
	Folder string
	// NeedsApproval is true while the user has not said that it may be used.
	NeedsApproval bool
	// HasChanged is true where they have said so, of other settings.
	HasChanged bool
	// Conflicts are weaker sources that say something else of it.
	Conflicts []protocol.SourceConflict
}

// Found is what a source has.
type Found struct {
	Instances []Instance
	// Problems are what is wrong with the rest, which does not count.
	Problems []error
	// Incomplete is true where a file does not answer, which may say something else by
	// now: ask again later.
	Incomplete bool
}

// add notes what is wrong with a file.
func (f *Found) add(says contents) {
	if says.problem != nil {
		f.Problems = append(f.Problems, says.problem)
	}
	f.Incomplete = f.Incomplete || says.late
}

// include adds an instance, or what it says else than the one that is there.
func (f *Found) include(in Instance) {
	first := f.byID(in.ID)
	if first == nil {
		f.Instances = append(f.Instances, in)
	} else if fields := differences(first.Instance, in.Instance); len(fields) > 0 {
		first.Conflicts = append(first.Conflicts, conflict(in, fields))
	}
}

func (f *Found) byID(id string) *Instance {
	i := slices.IndexFunc(f.Instances, func(in Instance) bool { return in.ID == id })
	if i < 0 {
		return nil
	}
	return &f.Instances[i]
}

func (f *Found) remove(ids []string) {
	f.Instances = slices.DeleteFunc(f.Instances, func(in Instance) bool { return slices.Contains(ids, in.ID) })
}

// dispute returns the problem that files disagree about an instance, or about any
// for ""; nil where there is none.
func (f *Found) dispute(id string) error {
	for _, problem := range f.Problems {
		var known *protocol.Error
		if errors.As(problem, &known) && known.Code == protocol.Conflict && (id == "" || known.Instance == id) {
			return known
		}
	}
	return nil
}

// sourced is a problem with a source.
type sourced struct {
	source protocol.Source
	error
}

func (s sourced) Unwrap() error { return s.error }

// SourceOf returns the source that a problem of a survey is with.
func SourceOf(problem error) protocol.Source {
	var known sourced
	errors.As(problem, &known)
	return known.source
}

// ProblemsOf returns the problems with one source, of a survey.
func (f *Found) ProblemsOf(source protocol.Source) (problems []error) {
	for _, problem := range f.Problems {
		if SourceOf(problem) == source {
			problems = append(problems, problem)
		}
	}
	return problems
}

// differences lists the settings in which two instances differ, by their names on
// the wire. The name that people read is none of them.
func differences(a, b store.Instance) (fields []string) {
	x, y := reflect.ValueOf(ToShared(a)), reflect.ValueOf(ToShared(b))
	for i := range x.NumField() {
		name, _, _ := strings.Cut(x.Type().Field(i).Tag.Get("json"), ",")
		if name != "name" && !sameSetting(x.Field(i).Interface(), y.Field(i).Interface()) {
			fields = append(fields, name)
		}
	}
	return fields
}

// SameSettings reports whether two instances have the same settings, the name too.
func SameSettings(a, b store.Instance) bool {
	return a.Name == b.Name && a.ProxySealed == b.ProxySealed && len(differences(a, b)) == 0
}

// sameSetting takes an empty list for none.
func sameSetting(a, b any) bool {
	x, isList := a.([]string)
	if y, ok := b.([]string); isList && ok {
		return slices.Equal(x, y)
	}
	return reflect.DeepEqual(a, b)
}

func conflict(in Instance, fields []string) protocol.SourceConflict {
	return protocol.SourceConflict{Source: in.Source, Origin: in.Origin, Fields: fields}
}
