// Package docs holds the documentation against the product: commands are run,
// links are followed, names are looked up.
package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// document is a Markdown file.
type document struct {
	path   string // from the checkout's root
	text   string // without what stands in fences
	blocks []block
}

// block is fenced text. Its info string is a language and tags:
//
//	needs=key       a paid key
//	needs=cluster   a cluster of one's own (ci/e2e runs it there)
//	needs=os        another operating system, or a program that is not Understudy's
//	in=FILE         FILE, which CI runs, has each of its lines
//	background      it goes on running while the rest of the document is read
type block struct {
	line     int // of its first line
	language string
	tags     map[string]string
	text     string
}

// languages whose blocks are run, and those that are only read.
var (
	spoken = []string{"sh", "python", "js"}
	shown  = []string{"text", "json", "yaml", "promql"}
)

var needs = []string{"key", "cluster", "os"}

// read parses a document; what cannot be right in its fences is an error.
func read(root, path string) (document, error) {
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return document{}, err
	}
	d := document{path: path}
	var open *block
	var indent string
	var outside []string
	for i, line := range strings.Split(string(b), "\n") {
		fence := strings.TrimLeft(line, " ")
		switch {
		case open == nil && strings.HasPrefix(fence, "```"):
			indent = line[:len(line)-len(fence)]
			if open, err = blockOf(strings.TrimPrefix(fence, "```")); err != nil {
				return d, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
			open.line = i + 2
		case open != nil && fence == "```":
			d.blocks = append(d.blocks, *open)
			open = nil
		case open != nil:
			open.text += strings.TrimPrefix(line, indent) + "\n"
			line = "" // lines keep their numbers
		}
		if open != nil {
			line = ""
		}
		outside = append(outside, line)
	}
	if open != nil {
		return d, fmt.Errorf("%s:%d: a fence that is not closed", path, open.line-1)
	}
	d.text = strings.Join(outside, "\n")
	return d, nil
}

func blockOf(info string) (*block, error) {
	words := strings.Fields(info)
	if len(words) == 0 {
		return nil, fmt.Errorf("a fence needs a language: one of %s", strings.Join(append(spoken, shown...), ", "))
	}
	b := &block{language: words[0], tags: map[string]string{}}
	if !slices.Contains(spoken, b.language) && !slices.Contains(shown, b.language) {
		return nil, fmt.Errorf("the language %q is none of %s", b.language, strings.Join(append(spoken, shown...), ", "))
	}
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		switch {
		case name == "needs" && slices.Contains(needs, value), name == "in" && value != "", w == "background":
			b.tags[name] = value
		default:
			return nil, fmt.Errorf("the tag %q is not known", w)
		}
	}
	return b, nil
}

// InCluster returns the blocks of shell that need a cluster, in their order.
func InCluster(root, path string) ([]string, error) {
	d, err := read(root, path)
	var out []string
	for _, b := range d.blocks {
		if b.language == "sh" && b.tags["needs"] == "cluster" {
			out = append(out, b.text)
		}
	}
	return out, err
}

// run reports whether the block is to be run here.
func (b block) run() bool {
	_, elsewhere := b.tags["in"]
	_, lacking := b.tags["needs"]
	return slices.Contains(spoken, b.language) && !elsewhere && !lacking
}

var (
	link    = regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	code    = regexp.MustCompile("`([^`\n]+)`")
)

// links returns the targets of a document's links.
func (d document) links() (targets []string) {
	for _, m := range link.FindAllStringSubmatch(d.text, -1) {
		targets = append(targets, m[1]+m[2])
	}
	return targets
}

// anchors returns what a link's fragment may name, as GitHub makes it of headings.
func (d document) anchors() (anchors []string) {
	for _, m := range heading.FindAllStringSubmatch(d.text, -1) {
		var b strings.Builder
		for _, r := range strings.ToLower(strings.TrimSpace(m[1])) {
			switch {
			case r == ' ':
				b.WriteByte('-')
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				b.WriteRune(r)
			}
		}
		anchors = append(anchors, b.String())
	}
	return anchors
}

// words returns the code that stands in the text, as its words.
func (d document) words() (all [][]string) {
	for _, m := range code.FindAllStringSubmatch(d.text, -1) {
		if w := strings.Fields(m[1]); len(w) > 0 {
			all = append(all, w)
		}
	}
	return all
}
