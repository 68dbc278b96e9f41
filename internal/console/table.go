package console

import (
	"fmt"
	"io"
	"strings"
)

// Table is rows under named columns.
type Table struct {
	Columns []Column
	Rows    [][]string // shorter rows are filled with empty cells
	Note    string     // a line under the table, such as how much was left out
}

// Column is the head of a column.
type Column struct {
	Name  string
	Right bool // numbers stand on the right
	Prose bool // sentences go on in further lines where they would be cut
}

// Columns makes heads of names; those that start with "#" hold numbers, those with "~" prose.
func Columns(names ...string) []Column {
	columns := make([]Column, len(names))
	for i, n := range names {
		n, right := strings.CutPrefix(n, "#")
		n, prose := strings.CutPrefix(n, "~")
		columns[i] = Column{Name: n, Right: right, Prose: prose}
	}
	return columns
}

// narrowest is how far a column of text is cut to make a table fit.
const narrowest = 8

// Render draws the table: in a box on a terminal, else as aligned columns that grep and awk can read. On a terminal that is
// too narrow even for shortened cells, each row becomes a block of lines.
func (t Table) Render(w io.Writer, look Look) error {
	g := t.grid()
	if look.Terminal && !g.fit(look.Width) {
		return g.blocks(w, look, t.Note)
	}
	if look.Terminal {
		return g.box(w, look, t.Note)
	}
	return g.plain(w, t.Note)
}

// grid is a table being laid out.
type grid struct {
	columns []Column
	rows    [][]string
	widths  []int
}

func (t Table) grid() *grid {
	g := &grid{columns: t.Columns, widths: make([]int, len(t.Columns))}
	for i, c := range t.Columns {
		g.widths[i] = width(c.Name)
	}
	for _, row := range t.Rows {
		cells := make([]string, len(t.Columns))
		for i := range min(len(cells), len(row)) {
			cells[i] = Clean(row[i])
			g.widths[i] = max(g.widths[i], width(cells[i]))
		}
		g.rows = append(g.rows, cells)
	}
	return g
}

// fit narrows the widest columns of text until the box fits, and says whether it does.
func (g *grid) fit(columns int) bool {
	total := 1
	for _, w := range g.widths {
		total += w + 3
	}
	if columns <= 0 {
		return true
	}
	original := append([]int(nil), g.widths...)
	for ; total > columns; total-- {
		widest := -1
		for i, w := range g.widths {
			if !g.columns[i].Right && w > narrowest && (widest < 0 || w > g.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			g.widths = original
			return false
		}
		g.widths[widest]--
	}
	return true
}

func (g *grid) box(w io.Writer, look Look, note string) error {
	var b strings.Builder
	rule := func(left, middle, right string) {
		parts := make([]string, len(g.widths))
		for i, n := range g.widths {
			parts[i] = strings.Repeat("─", n+2)
		}
		b.WriteString(look.paint(dim, left+strings.Join(parts, middle)+right) + "\n")
	}
	line := func(cell func(i int) string) {
		bar := look.paint(dim, "│")
		for i := range g.columns {
			b.WriteString(bar + " " + cell(i) + " ")
		}
		b.WriteString(bar + "\n")
	}
	rule("┌", "┬", "┐")
	line(func(i int) string {
		return look.paint(bold, pad(cut(g.columns[i].Name, g.widths[i]), g.widths[i], g.columns[i].Right))
	})
	rule("├", "┼", "┤")
	for _, row := range g.rows {
		cells, height := g.cells(row)
		for n := range height {
			line(func(i int) string {
				if n >= len(cells[i]) {
					return pad("", g.widths[i], false)
				}
				return pad(cells[i][n], g.widths[i], g.columns[i].Right)
			})
		}
	}
	rule("└", "┴", "┘")
	return finish(w, &b, note)
}

// cells are the lines of each cell of a row in a box, and how many the highest has.
func (g *grid) cells(row []string) (cells [][]string, height int) {
	cells = make([][]string, len(row))
	for i, text := range row {
		if g.columns[i].Prose {
			cells[i] = wrap(text, g.widths[i])
		} else {
			cells[i] = []string{cut(text, g.widths[i])}
		}
		height = max(height, len(cells[i]))
	}
	return cells, height
}

func (g *grid) plain(w io.Writer, note string) error {
	var b strings.Builder
	line := func(cell func(i int) string) {
		cells := make([]string, len(g.columns))
		for i, c := range g.columns {
			cells[i] = pad(cell(i), g.widths[i], c.Right)
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	line(func(i int) string { return g.columns[i].Name })
	for _, row := range g.rows {
		line(func(i int) string { return row[i] })
	}
	return finish(w, &b, note)
}

// blocks writes each row as lines of name and value.
func (g *grid) blocks(w io.Writer, look Look, note string) error {
	var b strings.Builder
	names := 0
	for _, c := range g.columns {
		names = max(names, width(c.Name))
	}
	for n, row := range g.rows {
		head := fmt.Sprintf("── row %d ", n+1)
		b.WriteString(look.paint(dim, head+strings.Repeat("─", max(0, min(look.Width, 40)-width(head)))) + "\n")
		for i, c := range g.columns {
			b.WriteString(look.paint(bold, pad(c.Name, names, false)) + "  " + row[i] + "\n")
		}
	}
	return finish(w, &b, note)
}

func finish(w io.Writer, b *strings.Builder, note string) error {
	if note != "" {
		b.WriteString(note + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
