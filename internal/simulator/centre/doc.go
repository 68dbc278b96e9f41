// Package centre makes one contact centre from a seed: its people with their accounts at several vendors, its queues, and what
// happened on every day. The simulated vendors tell of it in their own ways and with their own faults; what the interval tables
// must say in the end is computed here, from what happened, never from what a vendor said of it.
//
// Five9 has the voice queues and a digital queue or two, in whole seconds. Gladly has chat and text messages. iService has e-mail.
// A person may work at two vendors, under another spelling of the same address; an address may be shared or known to one
// vendor only. What is to be random about a record is rolled with Dice, by the record's own names, so that it does not depend
// on who asks for what in which order.
package centre
