package schemas

// A program is what the compiler makes of (writer schema, reader record): one flat list of operations that the interpreter
// in run.go goes through once per record. Everything that needs names, reflection or a decision between schemas happened
// before; an operation knows where in the record its value goes and what to do with the bytes at hand.
type program struct {
	record string // name of the record, for errors
	ops    []op
	fields []string  // names of fields, for errors
	texts  []string  // defaults of string and bytes fields; reasons of opFail
	tables [][]int16 // writer's enum symbol → reader's, -1 where there is none
	jumps  []int32   // for unions: where each branch's operations start
	shapes []*shape  // what to skip
	subs   []*program
}

// op is one operation. Kept at 24 bytes: a record's program fits the first-level cache together with its message.
type op struct {
	code  opcode
	field uint16 // index into program.fields
	off   uint32 // offset of the value in the record
	arg   int32  // see the opcode
	k     int64  // see the opcode
}

type opcode uint8

const (
	// Constants, for fields the writer does not have, and jumps: they read nothing.
	opSetLong   opcode = iota // k
	opSetInt                  // k
	opSetBool                 // k
	opSetEnum                 // k
	opSetFloat                // k: bits of a float32
	opSetDouble               // k: bits of a float64
	opSetString               // texts[arg]
	opSetBytes                // texts[arg]
	opSetMap                  // no entries
	opFail                    // texts[arg] is the reason
	opJump                    // arg is the operation to go on with
	// Reads of a fixed number of bytes, or by rules of their own.
	opBool
	opFloat
	opDouble
	opFloatToDouble
	opMap          // subs[arg] decodes a value
	opSkip         // shapes[arg]
	opSkipFixed    // k bytes
	opDecimalFixed // k bytes, arg as of opDecimal
	// All below start with a number of variable length, which the interpreter reads before it looks at the opcode.
	opLong
	opInt
	opLongDivide // floor of value / k
	opLongTimes  // value * k
	opLongToFloat
	opLongToDouble
	opString
	opBytes
	opEnum         // tables[arg]
	opNullableLong // union of null and long; k is null's branch, 0 or 1
	opUnion        // jumps[arg : arg+k]
	opDecimal      // bytes; arg is twice the scale, plus 1 where the field is a double
	opSkipNumber
	opSkipBytes

	firstNumber = opLong
)
