package docs

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"understudy.dev/ci/platform"
)

// documents returns README, CONTRIBUTING, CHANGELOG and all of docs.
func documents(t *testing.T) (root string, list []document) {
	t.Helper()
	root = platform.Root(t)
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CONTRIBUTING.md", "CHANGELOG.md", "README.md"} {
		paths = append([]string{filepath.Join(root, name)}, paths...)
	}
	for _, p := range paths {
		rel, _ := filepath.Rel(root, p)
		d, err := read(root, rel)
		if err != nil {
			t.Error(err)
			continue
		}
		list = append(list, d)
	}
	return root, list
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	root, list := documents(t)
	linked := map[string]bool{"README.md": true}
	for _, d := range list {
		for _, target := range d.links() {
			u, err := url.Parse(target)
			if err != nil {
				t.Errorf("%s: %q is no link: %v", d.path, target, err)
				continue
			}
			if u.Scheme != "" {
				continue // the web's, which CI may not reach
			}
			path := d.path
			if u.Path != "" {
				path = filepath.Join(filepath.Dir(d.path), u.Path)
			}
			linked[path] = true
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s links to %s, which is not there", d.path, target)
				continue
			}
			if u.Fragment == "" {
				continue
			}
			to, err := read(root, path)
			if err != nil || !slices.Contains(to.anchors(), u.Fragment) {
				t.Errorf("%s links to %s, where no heading is called so (%v)", d.path, target, err)
			}
		}
	}
	for _, d := range list {
		if !linked[d.path] {
			t.Errorf("nothing links to %s", d.path)
		}
	}
}

func TestEveryTargetOfMakeIsThere(t *testing.T) {
	root, list := documents(t)
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):`)
	known := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		known[m[1]] = true
	}
	each(list, func(d document, words []string) {
		i := slices.Index(words, "make")
		if i < 0 || i > 0 && !strings.Contains(words[i-1], "=") && words[i-1] != "&&" {
			return
		}
		for _, w := range words[i+1:] {
			if strings.ContainsAny(w, "=&;#|") {
				break
			}
			if !known[w] {
				t.Errorf("%s: `%s`: the Makefile has no target %s", d.path, strings.Join(words, " "), w)
			}
		}
	})
}

func TestEveryCommandOfTheProgramIsThere(t *testing.T) {
	root, list := documents(t)
	program := filepath.Join(root, "bin", "understudy")
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("%v; run `make setup`", err)
	}
	asked := map[string]bool{}
	each(list, func(d document, words []string) {
		i := slices.IndexFunc(words, func(w string) bool { return w == "understudy" || strings.HasSuffix(w, "bin/understudy") })
		if i < 0 || i > 0 && words[i-1] != "--" && words[i-1] != "kubectl" && !strings.Contains(words[i-1], "=") {
			return
		}
		var command []string
		for j := i + 1; j < len(words); j++ {
			switch w := words[j]; {
			case w == "--data-dir" || w == "--url" || w == "-o":
				j++
			case regexp.MustCompile(`^[a-z]+$`).MatchString(w):
				command = append(command, w)
				continue
			}
			if len(command) > 0 {
				break
			}
		}
		if len(command) == 0 || asked[strings.Join(command, " ")] {
			return
		}
		asked[strings.Join(command, " ")] = true
		// cobra prints a parent's help for an unknown child: its usage line tells.
		out, err := exec.Command(program, append(slices.Clone(command), "--help")...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "understudy "+command[0]) {
			t.Errorf("%s: there is no `understudy %s`: %v", d.path, strings.Join(command, " "), err)
		}
	})
	if len(asked) < 5 {
		t.Errorf("only %v were looked up", asked)
	}
}

// Documentation and contract have the same metrics, documentation and chart
// the same alerts.
func TestEveryMetricAndAlertIsTold(t *testing.T) {
	root, list := documents(t)
	raw, err := os.ReadFile(filepath.Join(root, "ci", "contract", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	rules, err := os.ReadFile(filepath.Join(root, "charts", "understudy", "monitoring", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	metric := regexp.MustCompile(`\bunderstudy_[a-z_]+\b`)
	alert := regexp.MustCompile(`\bUnderstudy[A-Z][A-Za-z]+\b`)
	there, told := map[string]bool{}, map[string]string{}
	for _, name := range append(metric.FindAllString(string(raw), -1), alert.FindAllString(string(rules), -1)...) {
		there[name] = true
	}
	for _, d := range list {
		text := ""
		for _, words := range d.words() {
			text += strings.Join(words, " ") + "\n"
		}
		for _, b := range d.blocks {
			if b.language == "promql" {
				text += b.text
			}
		}
		for _, name := range append(metric.FindAllString(text, -1), alert.FindAllString(text, -1)...) {
			if name != "understudy_error" { // the type of an error
				told[strings.TrimSuffix(name, "_bucket")] = d.path
			}
		}
	}
	for name, path := range told {
		if !there[name] {
			t.Errorf("%s: there is no %s", path, name)
		}
	}
	for name := range there {
		if told[name] == "" {
			t.Errorf("%s is told nowhere", name)
		}
	}
}

// What a person sees and looks up here is what a program says: the parts of a
// quoted message between its ellipses.
func TestEveryQuotedMessageIsSaid(t *testing.T) {
	root, list := documents(t)
	looked := 0
	for _, d := range list {
		if filepath.Base(d.path) != "troubleshooting.md" {
			continue
		}
		for line := range strings.Lines(d.text) {
			cells := strings.Split(line, "|")
			if len(cells) < 3 {
				continue
			}
			for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
				for part := range strings.SplitSeq(m[1], "…") {
					if part = strings.Trim(part, " ()"); len(part) < 6 || strings.HasPrefix(part, "helm ") {
						continue
					}
					looked++
					err := exec.Command("git", "-C", root, "grep", "-qF", "-e", part, "--", "*.go", "*.sh", "*.py").Run()
					if err != nil && !kubernetes[part] {
						t.Errorf("%s: nothing says %q", d.path, part)
					}
				}
			}
		}
	}
	if looked < 10 {
		t.Errorf("only %d were looked up", looked)
	}
}

// kubernetes says these, not we.
var kubernetes = map[string]bool{"ImagePullBackOff": true, "CreateContainerConfigError": true, "postgres-0": true}

// each calls f with the words of every piece of inline code and of every line
// of every block of shell.
func each(list []document, f func(d document, words []string)) {
	for _, d := range list {
		for _, words := range d.words() {
			f(d, words)
		}
		for _, b := range d.blocks {
			if b.language != "sh" {
				continue
			}
			for line := range strings.Lines(b.text) {
				if words := strings.Fields(line); len(words) > 0 {
					f(d, words)
				}
			}
		}
	}
}

func TestWhatIsRunElsewhereIsRunThere(t *testing.T) {
	root, list := documents(t)
	for _, d := range list {
		for _, b := range d.blocks {
			file, ok := b.tags["in"]
			if !ok {
				continue
			}
			script, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Errorf("%s:%d: %v", d.path, b.line, err)
				continue
			}
			for line := range strings.Lines(b.text) {
				command, _, _ := strings.Cut(line, "#")
				command = strings.TrimSpace(command)
				if command != "" && !strings.Contains(string(script), command) {
					t.Errorf("%s:%d: %s does not run %q", d.path, b.line, file, command)
				}
			}
		}
	}
}

func TestReadingSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a fence without a language": {"```\nmake run\n```\n", "needs a language"},
		"a language of no use":       {"```fortran\n```\n", "fortran"},
		"a tag that is unknown":      {"```sh needs=luck\n```\n", "needs=luck"},
		"a fence left open":          {"```sh\nmake run\n", "not closed"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "d.md"), []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := read(dir, "d.md"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
