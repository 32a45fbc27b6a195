package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
)

func shapesLoader(t *testing.T) *loader {
	t.Helper()
	src, err := readFiles([]string{"shapes_test.go"})
	if err != nil {
		t.Fatal(err)
	}
	return newLoader(src, []string{"NotFound"})
}

func TestTypesHaveTheirPlaceInTheModel(t *testing.T) {
	for _, test := range []struct {
		of   reflect.Type
		want string
		null bool
	}{
		{reflect.TypeFor[string](), "string", false},
		{reflect.TypeFor[int64](), "integer", false},
		{reflect.TypeFor[float64](), "number", false},
		{reflect.TypeFor[bool](), "boolean", false},
		{reflect.TypeFor[*bool](), "boolean | null", true},
		{reflect.TypeFor[[]string](), "string[]", false},
		{reflect.TypeFor[[]*Shape](), "(Shape | null)[]", false},
		{reflect.TypeFor[map[string][]Color](), "{[name]: Color[]}", false},
		{reflect.TypeFor[Level](), "Level", false},
		{reflect.TypeFor[*Shape](), "Shape | null", true},
		{reflect.TypeFor[protocol.Null](), "null", false},
		{reflect.TypeFor[struct{}](), "{}", false},
		{reflect.TypeFor[protocol.ProgressToken](), "ProgressToken", false},
	} {
		got, err := shapesLoader(t).typeOf(test.of)
		if err != nil {
			t.Errorf("%s: %v", test.of, err)
		} else if notation(got) != test.want || got.Nullable != test.null {
			t.Errorf("%s: %s (nullable %t), want %s", test.of, notation(got), got.Nullable, test.want)
		}
	}
}

func TestWhatHasNoPlaceInTheProtocolIsNamed(t *testing.T) {
	for _, test := range []struct {
		of   reflect.Type
		want string
	}{
		{reflect.TypeFor[Bare](), "main.Bare has no constants"},
		{reflect.TypeFor[Tagless](), "Tagless.Field has no name in a json tag"},
		{reflect.TypeFor[Embedding](), "Embedding.Shape is embedded"},
		{reflect.TypeFor[Quoting](), "Quoting.N: the option string"},
		{reflect.TypeFor[[]Deep](), "Deep.Channels: chan int has no place"},
		{reflect.TypeFor[Own](), "main.Own has a JSON form of its own"},
		{reflect.TypeFor[map[int]string](), "map[int]string has no place"},
		{reflect.TypeFor[[]byte](), "[]uint8 has no place"},
		{reflect.TypeFor[struct{ A int }](), "struct { A int } has no place"},
	} {
		_, err := shapesLoader(t).typeOf(test.of)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.of, err, test.want)
		}
	}
}

func TestAStructKeepsItsFieldsWithTheirComments(t *testing.T) {
	l := shapesLoader(t)
	if _, err := l.typeOf(reflect.TypeFor[Shape]()); err != nil {
		t.Fatal(err)
	}
	m := l.sorted()
	s := m.Struct("Shape")
	var got []string
	for _, f := range s.Fields {
		optional := ""
		if f.Optional {
			optional = "?"
		}
		got = append(got, fmt.Sprintf("%s%s: %s // %s", f.Name, optional, notation(f.Type), f.Doc))
	}
	sides := "`first`, `second` and `third` describe the sides."
	want := []string{
		"title: string // `title` is shown to people; `cornerCount` is not.",
		"cornerCount?: integer // `cornerCount` is how many.",
		"area?: number // ",
		"round: boolean | null // ",
		"first: string // " + sides,
		"second: string // " + sides,
		"third: string // " + sides,
		"color: Color // ",
		"parts?: Shape[] // ",
		"parent?: Shape | null // ",
		"labels: {[name]: string} // ",
		"made: time // ",
		"extra?: any // ",
		"progress?: ProgressToken // ",
		"query?: {[name]: QueryValue} // ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := "`Shape` has one field of each kind. It refers to `Color`."; s.Doc != want {
		t.Errorf("doc %q, want %q", s.Doc, want)
	}
	if len(m.Types) != 1 || len(m.Enums) != 1 || len(m.Aliases) != 2 {
		t.Errorf("%d structs, %d enums, %d aliases", len(m.Types), len(m.Enums), len(m.Aliases))
	}
}

func TestEnumsKeepTheOrderOfTheSource(t *testing.T) {
	l := shapesLoader(t)
	for _, typ := range []reflect.Type{reflect.TypeFor[Level](), reflect.TypeFor[Color]()} {
		if _, err := l.typeOf(typ); err != nil {
			t.Fatal(err)
		}
	}
	want := []Enum{
		{"Color", "`Color` is how it looks.", String, []EnumValue{
			{"Red", "red", "Like a rose"}, {"Azure", "blue", "`Azure` is like the sky"},
		}},
		{"Level", "`Level` is a number with names.", Integer, []EnumValue{
			{"Low", int64(-1), "Near the ground."}, {"High", int64(16), "Above the clouds."},
		}},
	}
	if got := l.sorted().Enums; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAMethodThatNoVariableDeclaresIsNamed(t *testing.T) {
	err := shapesLoader(t).methods([]protocol.Declaration{{Method: "gitlabSM/status"}})
	if err == nil || !strings.Contains(err.Error(), "gitlabSM/status: no variable") {
		t.Error(err)
	}
	err = shapesLoader(t).errors([]protocol.Code{protocol.NotFound})
	if err == nil || !strings.Contains(err.Error(), "code 1016 (NotFound): no constant") {
		t.Error(err)
	}
}

func TestTheModelOfTheProtocol(t *testing.T) {
	m := mustLoad(t)
	if len(m.Methods) != len(protocol.Declarations()) || len(m.Errors) != len(protocol.Codes()) {
		t.Errorf("%d methods, %d errors", len(m.Methods), len(m.Errors))
	}
	remote := m.Methods[slices.IndexFunc(m.Methods, func(m Method) bool { return m.GoName == "ResolveRemote" })]
	if remote.From != FromEditor || notation(remote.Params) != "ResolveRemoteParams" || notation(*remote.Result) != "RemoteProject | null" {
		t.Errorf("%+v", remote)
	}
	for _, method := range m.Methods {
		if !strings.HasPrefix(method.Doc, "`"+method.Name+"` ") {
			t.Errorf("the comment of %s does not begin with its name: %s", method.Name, method.Doc)
		}
	}
	if f := m.Struct("DidStartAuthenticationParams").Field("verificationUri"); !strings.Contains(f.Doc, "enters `userCode` ") {
		t.Errorf("a name of Go is left in %q", f.Doc)
	}
}
