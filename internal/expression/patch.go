package expression

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"
)

// patcher puts a variable in place of each column and name of a tree, so that expr-lang's machine gets only what it needs.
// It sees inner nodes before outer ones: a is replaced first, then a.b, which takes a's path and its own name.
type patcher struct {
	c     *Compiler
	paths map[*ast.IdentifierNode][]string // of the variables put in
	err   error
}

// Visit replaces one node.
func (p *patcher) Visit(n *ast.Node) {
	switch x := (*n).(type) {
	case *ast.IdentifierNode:
		if x.Value == rowName {
			p.put(n, nil)
		} else {
			p.put(n, []string{x.Value})
		}
	case *ast.MemberNode:
		id, _ := x.Node.(*ast.IdentifierNode)
		name, ok := x.Property.(*ast.StringNode)
		if path, ours := p.paths[id]; ours && ok {
			if len(path) != 1 || !p.c.bound(path[0]) {
				p.put(n, append(path[:len(path):len(path)], name.Value))
			}
		}
	case *ast.CallNode:
		if id, ok := x.Callee.(*ast.IdentifierNode); ok && len(p.paths[id]) == 1 {
			name := p.paths[id][0]
			x.Callee = &ast.IdentifierNode{Value: name}
			if !p.c.isFunction(name) && p.err == nil {
				_, p.err = p.c.call(x, name, nil)
			}
		}
	case *ast.VariableDeclaratorNode:
		if p.err == nil {
			p.err = p.c.fail(x, "let %s stands inside a list expression: put it at the start", x.Name)
		}
	}
}

func (c *Compiler) bound(name string) bool {
	for _, b := range c.scope {
		if b.name == name {
			return true
		}
	}
	return false
}

func (p *patcher) put(n *ast.Node, path []string) {
	id := &ast.IdentifierNode{Value: strings.Join(path, ".")}
	id.SetLocation((*n).Location())
	p.paths[id] = path
	*n = id
}

// resolve finds the columns of the variables that are left in the tree, and names them.
func (p *patcher) resolve(n *ast.Node) (types.Map, []binding, error) {
	r := &resolver{p: p, env: types.Map{}}
	if p.err == nil {
		ast.Walk(n, r)
	}
	return r.env, r.inputs, p.err
}

type resolver struct {
	p      *patcher
	env    types.Map
	inputs []binding
}

func (r *resolver) Visit(n *ast.Node) {
	id, ok := (*n).(*ast.IdentifierNode)
	if !ok || r.p.err != nil {
		return
	}
	path, ours := r.p.paths[id]
	if !ours {
		return
	}
	if len(path) == 0 {
		r.p.err = r.p.c.fail(id, "%s stands for all columns: name one, as in row[\"a name\"]", rowName)
		return
	}
	var v node
	if len(path) == 1 {
		name := &ast.IdentifierNode{Value: path[0]}
		name.SetLocation(id.Location())
		v, r.p.err = r.p.c.identifier(name)
	} else {
		v, r.p.err = r.p.c.column(id, path)
	}
	name := fmt.Sprintf("col_%d", len(r.inputs))
	id.Value = name
	r.env[name] = types.Any
	r.inputs = append(r.inputs, binding{name: name, eval: v.eval})
}
