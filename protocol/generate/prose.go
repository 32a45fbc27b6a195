package main

import (
	"go/ast"
	"go/doc/comment"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// prose turns Go comments into docs: names as Go has them become names as they
// are on the wire, in backquotes.
type prose struct {
	wire    map[string]string // by Go name: what a doc link such as [Configure] becomes
	methods map[string]bool   // names on the wire
	errors  map[string]bool   // names of codes
}

func newProse(src *source, codes []string) prose {
	p := prose{map[string]string{}, map[string]bool{}, map[string]bool{}}
	for name, v := range src.methods {
		p.wire[v.goName] = name
		p.methods[name] = true
	}
	for _, name := range codes {
		p.errors[name] = true
	}
	return p
}

// doc returns the doc of what is called self in Go and as on the wire. fields
// are the names on the wire of the fields of the same struct.
func (p prose) doc(text, self, as string, fields map[string]string) string {
	if rest, ok := strings.CutPrefix(text, self+":"); ok {
		text = upperFirst(strings.TrimSpace(rest)) // "NotFound: GitLab answered 404."
	}
	parser := comment.Parser{LookupSym: func(recv, name string) bool { return ast.IsExported(name) }}
	var blocks []string
	for _, block := range parser.Parse(text).Content {
		blocks = append(blocks, p.block(block, fields))
	}
	doc := strings.Join(blocks, "\n\n")
	first := word.FindString(doc)
	switch {
	case !strings.HasPrefix(doc, first):
		return doc
	case first == self:
		return "`" + as + "`" + doc[len(first):]
	case fields[first] != "" && opensWith(text, self): // "Issuer, Subject and NotAfter describe …"
		return "`" + fields[first] + "`" + doc[len(first):]
	}
	return doc
}

func (p prose) block(block comment.Block, fields map[string]string) string {
	switch block := block.(type) {
	case *comment.Paragraph:
		return p.inline(block.Text, fields)
	case *comment.Heading:
		return p.inline(block.Text, fields)
	case *comment.Code:
		return "    " + strings.ReplaceAll(strings.TrimSuffix(block.Text, "\n"), "\n", "\n    ")
	case *comment.List:
		var items []string
		for _, item := range block.Items {
			var parts []string
			for _, part := range item.Content {
				parts = append(parts, p.block(part, fields))
			}
			items = append(items, "- "+strings.Join(parts, " "))
		}
		return strings.Join(items, "\n")
	}
	return ""
}

func (p prose) inline(list []comment.Text, fields map[string]string) string {
	var b strings.Builder
	for _, t := range list {
		switch t := t.(type) {
		case comment.Plain:
			b.WriteString(p.mark(strings.ReplaceAll(string(t), "\n", " "), b.Len() == 0, fields))
		case comment.Italic:
			b.WriteString(p.mark(string(t), b.Len() == 0, fields))
		case *comment.Link:
			if t.Auto {
				b.WriteString(t.URL)
			} else {
				b.WriteString("[" + p.inline(t.Text, nil) + "](" + t.URL + ")")
			}
		case *comment.DocLink:
			name := t.Name
			if wire, ok := p.wire[name]; ok {
				name = wire
			}
			if t.Recv != "" {
				name = t.Recv + "." + name
			}
			b.WriteString("`" + name + "`")
		}
	}
	return b.String()
}

var word = regexp.MustCompile(`[A-Za-z$]*(?:/[A-Za-z]+)+|[A-Za-z]\w*`)

// mark puts names of the protocol in backquotes. A field is meant where its Go
// name could not be an English word: inside a sentence, or with a capital in the
// middle. "URL" and "ID" are always taken as words.
func (p prose) mark(text string, opens bool, fields map[string]string) string {
	var b strings.Builder
	end := 0
	for _, at := range word.FindAllStringIndex(text, -1) {
		w := text[at[0]:at[1]]
		before := strings.TrimRight(text[:at[0]], ` "(`)
		starts := before == "" && opens || strings.HasSuffix(before, ".")
		name := ""
		switch {
		case strings.Contains(w, "/") && p.methods[w], p.errors[w] && humps(w) > 1:
			name = w
		case fields[w] != "" && strings.ToUpper(w) != w && (!starts || humps(w) > 1):
			name = fields[w]
		default:
			continue
		}
		b.WriteString(text[end:at[0]] + "`" + name + "`")
		end = at[1]
	}
	return b.String() + text[end:]
}

// humps counts the capitals that follow on a small letter, and the first letter:
// two or more in "NotFound", one in "Forbidden".
func humps(s string) int {
	n, small := 1, false
	for _, r := range s {
		if unicode.IsUpper(r) && small {
			n++
		}
		small = unicode.IsLower(r)
	}
	return n
}

func upperFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[size:]
}
