package rows

import (
	"bytes"
	"errors"
)

var (
	errUnclosed = errors.New("a quoted value is not closed: close it, or set `quotes: false` if quotes are ordinary characters")
	errAfter    = errors.New("text after the closing quote of a value: write quotes inside a value twice")
)

// quoted reads a row that has quotes, and may have line breaks inside them. Where a quote is never closed only the first line is lost.
func (d *Delimited) quoted() error {
	d.cells, d.plain = d.cells[:0], d.plain[:0]
	var bad error
	lines := int64(1)
	for pos := 0; ; {
		next, more, err := d.quotedCell(pos, &lines)
		if errors.Is(err, errUnclosed) {
			return d.unclosed()
		}
		if errors.Is(err, errAfter) {
			bad = err
		} else if err != nil {
			return err
		}
		if pos = next; !more {
			ended := pos >= len(d.rest())
			d.consume(pos, ended, lines)
			if last := &d.cells[len(d.cells)-1]; !last.unquoted && last.to > len(d.row) {
				last.to = len(d.row) // \r of the line's end
			}
			break
		}
	}
	if bad != nil {
		return &Error{"quotes", bad}
	}
	return d.encoding()
}

// quotedCell reads the cell at pos. next is where the following cell starts, or, where there is no more, the end of the row.
func (d *Delimited) quotedCell(pos int, lines *int64) (next int, more bool, err error) {
	if ok, err := d.has(pos); err != nil {
		return 0, false, err
	} else if !ok || d.rest()[pos] != '"' {
		return d.bareCell(pos)
	}
	from := len(d.plain)
	for i := pos + 1; ; {
		quote := bytes.IndexByte(d.rest()[i:], '"')
		if quote < 0 {
			seen := len(d.rest())
			if seen > MaxRow {
				return 0, false, errUnclosed
			}
			if ok, err := d.more(); err != nil {
				return 0, false, err
			} else if !ok {
				return 0, false, errUnclosed
			}
			continue
		}
		part := d.rest()[i : i+quote]
		*lines += int64(bytes.Count(part, []byte{'\n'}))
		d.plain = append(d.plain, part...)
		i += quote + 1
		double, err := d.has(i)
		if err != nil {
			return 0, false, err
		}
		if double && d.rest()[i] == '"' {
			d.plain = append(d.plain, '"')
			i++
			continue
		}
		d.cells = append(d.cells, cell{from, len(d.plain), true})
		return d.afterQuote(i)
	}
}

// afterQuote expects a delimiter or the row's end.
func (d *Delimited) afterQuote(i int) (next int, more bool, err error) {
	if ok, err := d.has(i + 1); err != nil { // \r\n needs two
		return 0, false, err
	} else if !ok && i >= len(d.rest()) {
		return i, false, nil
	}
	rest := d.rest()[i:]
	switch {
	case rest[0] == d.delimiter:
		return i + 1, true, nil
	case rest[0] == '\n':
		return i, false, nil
	case rest[0] == '\r' && (len(rest) == 1 || rest[1] == '\n'):
		return i + 1, false, nil
	}
	next, more, err = d.bareCell(i)
	d.cells = d.cells[:len(d.cells)-1]
	if err == nil {
		err = errAfter
	}
	return next, more, err
}

// bareCell reads a cell without quotes.
func (d *Delimited) bareCell(pos int) (next int, more bool, err error) {
	end, _, err := d.line(pos)
	if err != nil {
		return 0, false, err
	}
	if end < 0 {
		return 0, false, errUnclosed
	}
	if i := bytes.IndexByte(d.rest()[pos:end], d.delimiter); i >= 0 {
		d.cells = append(d.cells, cell{from: pos, to: pos + i})
		return pos + i + 1, true, nil
	}
	d.cells = append(d.cells, cell{from: pos, to: end})
	return end, false, nil
}

// has says whether there is a byte at i of the rest.
func (d *Delimited) has(i int) (bool, error) {
	for i >= len(d.rest()) {
		if ok, err := d.more(); !ok {
			return false, err
		}
	}
	return true, nil
}

func (d *Delimited) unclosed() error {
	end, ended, err := d.line(0)
	if err != nil {
		return err
	}
	if end < 0 {
		return d.tooLong()
	}
	if d.eof {
		d.doubt(d.first)
	}
	d.consume(end, ended, 1)
	return &Error{"quotes", errUnclosed}
}
