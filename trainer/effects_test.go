package trainer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// spared are functions with a side effect and no crash point of their own.
var spared = map[string]string{
	"agent.fetch": "its caller has the point",
	"agent.call":  "its callers have the points",
	"runpod.once": "change has the point",
}

// effect names a call that changes something outside this process.
func effect(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg := ""
	if x, ok := sel.X.(*ast.Ident); ok {
		pkg = x.Name
	}
	switch name := pkg + "." + sel.Sel.Name; name {
	case "os.Remove", "os.RemoveAll", "os.Rename", "os.WriteFile", "os.Truncate", "file.Replace", "fetch.File":
		return name
	}
	switch sel.Sel.Name {
	case "call", "once", "NewRequestWithContext", "NewRequest":
		for _, arg := range call.Args {
			if m, ok := arg.(*ast.SelectorExpr); ok && strings.HasPrefix(m.Sel.Name, "Method") {
				if m.Sel.Name != "MethodGet" {
					return sel.Sel.Name + " " + m.Sel.Name
				}
				return ""
			}
		}
		return sel.Sel.Name
	}
	return ""
}

// A side effect outside a crash point would be one that no test kills the
// trainer at. (What starts processes of this machine is killed in
// cmd/trainer's tests.)
func TestEverySideEffectHasACrashPoint(t *testing.T) {
	seen := 0
	for _, pkg := range []string{"agent", "api", "drive", "runpod", "static", "store"} {
		files, err := filepath.Glob("internal/" + pkg + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pkg, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range parsed.Decls {
				f, ok := decl.(*ast.FuncDecl)
				if !ok {
					continue
				}
				found, guarded := "", false
				ast.Inspect(f, func(n ast.Node) bool {
					switch n := n.(type) {
					case *ast.CallExpr:
						if e := effect(n); e != "" {
							found = e
						}
					case *ast.SelectorExpr:
						guarded = guarded || n.Sel.Name == "Around" || n.Sel.Name == "Before"
					}
					return true
				})
				if found != "" {
					seen++
				}
				if name := pkg + "." + f.Name.Name; found != "" && !guarded && spared[name] == "" {
					t.Errorf("%s: %s calls %s without a crash point (internal/crash)", file, f.Name.Name, found)
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d functions with side effects were found: this test looks in the wrong places", seen)
	}
}
