package schemas

import "fmt"

// The errors stay out of the interpreter's code: inlined, they would cost it registers and cache on every record.

// fail says which field of which record is at fault, and at which byte of the payload.
//
//go:noinline
func (p *program) fail(o *op, pos int, format string, args ...any) error {
	return fmt.Errorf("record %q, field %q, byte %d: %s", p.record, p.fields[o.field], pos, fmt.Sprintf(format, args...))
}

//go:noinline
func (p *program) badNumber(o *op, buf []byte, pos int) error {
	if len(buf)-pos >= 10 {
		return p.fail(o, pos, "number has more than 64 bits")
	}
	return p.fail(o, pos, "payload of %d bytes ends inside a number or has one of more than 64 bits", len(buf))
}

//go:noinline
func (p *program) badLength(o *op, pos int, n int64, left int) error {
	return p.fail(o, pos, "value of %d bytes, where %d are left", n, left)
}

//go:noinline
func (p *program) badBool(o *op, buf []byte, pos int) error {
	if pos >= len(buf) {
		return p.fail(o, pos, "payload of %d bytes ends before a boolean", len(buf))
	}
	return p.fail(o, pos, "byte %#02x is not a boolean, which is 0 or 1", buf[pos])
}

//go:noinline
func (p *program) badBranch(o *op, pos int, n, branches int64) error {
	return p.fail(o, pos, "union branch %d, where the writer's schema has %d", n, branches)
}

//go:noinline
func (p *program) badSymbol(o *op, pos int, n int64, symbols int) error {
	if n < 0 || n >= int64(symbols) {
		return p.fail(o, pos, "enum symbol %d, where the writer's schema has %d", n, symbols)
	}
	return p.fail(o, pos, "the writer's enum symbol %d is unknown to the reader, whose enum has no default: give it one", n)
}

//go:noinline
func (p *program) trailing(n, total int) error {
	return fmt.Errorf("record %q: %d bytes are left after the record's %d: the payload was written with another schema than its id says", p.record, total-n, n)
}
