package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what reflection cannot see of a Go package: its comments, and the
// constants of its types.
type source struct {
	methods map[string]methodVar         // by name on the wire
	types   map[string]string            // comment, by name
	fields  map[string]map[string]string // comment, by type and Go name
	consts  map[string][]constant        // by type, in the order of the source
}

// methodVar is a variable that declares a method.
type methodVar struct{ goName, comment string }

// constant is a constant whose type is declared in the package.
type constant struct {
	name    string
	value   any // a string or an int64; nil where it is not a literal
	comment string
}

// readSource reads the Go files of a directory, except its tests.
func readSource(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s: %w", dir, fs.ErrNotExist)
	}
	return readFiles(files)
}

func readFiles(paths []string) (*source, error) {
	src := &source{
		methods: map[string]methodVar{},
		types:   map[string]string{},
		fields:  map[string]map[string]string{},
		consts:  map[string][]constant{},
	}
	fset := token.NewFileSet()
	for _, path := range paths {
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				if err := src.add(gen, spec); err != nil {
					return nil, fmt.Errorf("%s: %w", fset.Position(spec.Pos()), err)
				}
			}
		}
	}
	return src, nil
}

// add notes one declaration. A declaration that stands alone has its comment on
// the keyword, one of a group has it on itself.
func (src *source) add(gen *ast.GenDecl, spec ast.Spec) error {
	var alone *ast.CommentGroup
	if !gen.Lparen.IsValid() {
		alone = gen.Doc
	}
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		src.types[spec.Name.Name] = text(spec.Doc, alone, spec.Comment)
		if st, ok := spec.Type.(*ast.StructType); ok {
			src.fields[spec.Name.Name] = fieldComments(st)
		}
	case *ast.ValueSpec:
		comment := text(spec.Doc, alone, spec.Comment)
		if gen.Tok == token.CONST {
			src.addConstant(spec, comment)
			return nil
		}
		return src.addMethod(spec, comment)
	}
	return nil
}

// addMethod notes a variable of the form
//
//	Name = Request[P, R]{"wire/name", Direction}
func (src *source) addMethod(spec *ast.ValueSpec, comment string) error {
	for i, value := range spec.Values {
		lit, ok := value.(*ast.CompositeLit)
		if !ok || !isMethodType(lit.Type) {
			continue
		}
		goName := spec.Names[i].Name
		if len(lit.Elts) == 0 {
			return fmt.Errorf("%s has no name on the wire", goName)
		}
		name, ok := literal(lit.Elts[0]).(string)
		if !ok {
			return fmt.Errorf("%s does not begin with its name on the wire as a literal", goName)
		}
		if other, ok := src.methods[name]; ok {
			return fmt.Errorf("%s and %s are both %q", other.goName, goName, name)
		}
		src.methods[name] = methodVar{goName, comment}
	}
	return nil
}

func isMethodType(expr ast.Expr) bool {
	switch t := expr.(type) {
	case *ast.IndexExpr:
		expr = t.X
	case *ast.IndexListExpr:
		expr = t.X
	}
	id, ok := expr.(*ast.Ident)
	return ok && (id.Name == "Request" || id.Name == "Notification")
}

func (src *source) addConstant(spec *ast.ValueSpec, comment string) {
	typ, ok := spec.Type.(*ast.Ident)
	if !ok {
		return
	}
	for i, name := range spec.Names {
		var value any
		if i < len(spec.Values) {
			value = literal(spec.Values[i])
		}
		src.consts[typ.Name] = append(src.consts[typ.Name], constant{name.Name, value, comment})
	}
}

// literal returns the string or int64 that is written there, or nil.
func literal(expr ast.Expr) any {
	sign := ""
	if unary, ok := expr.(*ast.UnaryExpr); ok && unary.Op == token.SUB {
		sign, expr = "-", unary.X
	}
	lit, ok := expr.(*ast.BasicLit)
	if !ok {
		return nil
	}
	switch lit.Kind {
	case token.STRING:
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	case token.INT:
		if n, err := strconv.ParseInt(sign+lit.Value, 0, 64); err == nil {
			return n
		}
	}
	return nil
}

// fieldComments returns the comments of a struct's fields. A comment that opens
// with several names, such as "Issuer, Subject and NotAfter describe …", stands
// for those that follow without one of their own.
func fieldComments(st *ast.StructType) map[string]string {
	comments := map[string]string{}
	shared := ""
	for _, field := range st.Fields.List {
		comment := text(field.Doc, field.Comment)
		for _, name := range field.Names {
			switch {
			case comment != "":
				shared = comment
				comments[name.Name] = comment
			case opensWith(shared, name.Name):
				comments[name.Name] = shared
			default:
				comments[name.Name] = ""
			}
		}
	}
	return comments
}

// opensWith reports whether name is among the subjects of the first sentence.
func opensWith(comment, name string) bool {
	for word := range strings.FieldsSeq(comment) {
		word, more := strings.CutSuffix(word, ",")
		if word == name {
			return true
		}
		if word != "and" && !more && !ast.IsExported(word) {
			return false
		}
	}
	return false
}

// text returns the first comment that there is.
func text(groups ...*ast.CommentGroup) string {
	for _, group := range groups {
		if t := strings.TrimSpace(group.Text()); t != "" {
			return t
		}
	}
	return ""
}
