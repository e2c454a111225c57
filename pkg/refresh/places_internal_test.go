package refresh

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tokenrefresh/pkg/store"
)

// Only transition.go and transition_idle.go write a row's fields, and only commit.go stores a row:
// these files show everything that can happen to a row.
func TestRowsAreWrittenInOnePlace(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	writes, stores := 0, 0
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					if !fieldOfRow(to) {
						continue
					}
					if writes++; !strings.HasPrefix(name, "transition") {
						t.Errorf("%s writes %s", fset.Position(to.Pos()), types.ExprString(to))
					}
				}
			case *ast.CallExpr:
				if called := types.ExprString(n.Fun); strings.EqualFold(called, "ledger.Write") || strings.HasSuffix(called, ".Ledger.Write") {
					if stores++; name != "commit.go" {
						t.Errorf("%s calls %s", fset.Position(n.Pos()), called)
					}
				}
			}
			return true
		})
	}
	if writes < 40 || stores != 1 {
		t.Errorf("%d fields are written, by %d calls of Write: the test has lost sight of them", writes, stores)
	}
}

// rowNames are what this package calls a store.Row.
var rowNames = []string{"r", "row", "next", "before", "Row", "stored"}

// fieldOfRow reports whether an expression is a field of a row, judging by its names.
func fieldOfRow(e ast.Expr) bool {
	field, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	owner := types.ExprString(field.X)
	owner = owner[strings.LastIndex(owner, ".")+1:]
	_, known := reflect.TypeFor[store.Row]().FieldByName(field.Sel.Name)
	return known && slices.Contains(rowNames, owner) && field.Sel.Name != "Key"
}
