package gladly

// event reads the whole line. Every field has a bit in seen: an object that has a key twice is not for us.
func (p *scan) event(e *event) bool {
	ok := p.object(func(key []byte) (bit uint32, done bool) {
		switch string(key) {
		case "id":
			return 1, p.into(&e.id)
		case "type":
			return 2, p.into(&e.kind)
		case "timestamp":
			return 4, p.time(&e.timestamp)
		case "initiator":
			return 8, p.initiator(e)
		case "content":
			return 16, p.content(e)
		}
		return 0, p.skip(0)
	})
	p.space()
	return ok && p.i == len(p.text)
}

// object reads an object, or null, and gives up on a key that comes twice.
func (p *scan) object(each func(key []byte) (bit uint32, ok bool)) bool {
	if p.isNull() {
		return true
	}
	var seen uint32
	return p.members(func(key []byte) bool {
		bit, ok := each(key)
		twice := seen&bit != 0
		seen |= bit
		return ok && !twice
	})
}

// into reads a string, or null.
func (p *scan) into(field *[]byte) bool {
	if p.isNull() {
		return true
	}
	s, ok := p.string()
	*field = s
	return ok
}

func (p *scan) time(field *int64) bool {
	var text []byte
	ok := p.into(&text)
	setTime(field, text)
	return ok
}

func (p *scan) initiator(e *event) bool {
	return p.object(func(key []byte) (uint32, bool) {
		switch string(key) {
		case "id":
			return 1, p.into(&e.initiatorID)
		case "type":
			return 2, p.into(&e.initiator)
		}
		return 0, p.skip(1)
	})
}

func (p *scan) content(e *event) bool {
	return p.object(func(key []byte) (uint32, bool) {
		switch string(key) {
		case "agentId":
			return 1, p.into(&e.agentID)
		case "occurredAt":
			return 2, p.time(&e.occurredAt)
		case "availableFor":
			return 4, p.availableFor(e)
		case "awayReason":
			return 8, p.named(&e.awayReason)
		case "activeReason":
			return 16, p.named(&e.activeReason)
		case "contactId":
			return 32, p.into(&e.contactID)
		case "conversationId":
			return 64, p.into(&e.conversationID)
		case "channel":
			return 128, p.into(&e.channel)
		case "status":
			return 256, p.into(&e.status)
		case "reason":
			return 512, p.into(&e.reason)
		case "assignee":
			return 1024, p.party(&e.assignee)
		case "context":
			return 2048, p.context(e)
		}
		return 0, p.skip(1)
	})
}

func (p *scan) availableFor(e *event) bool {
	if p.isNull() {
		return true
	}
	n, ok := p.list(1)
	e.available = availableNone
	if n > 0 {
		e.available = availableSome
	}
	return ok
}

// named reads {id, name?}: the name, or the id where there is none.
func (p *scan) named(field *[]byte) bool {
	var id, name []byte
	ok := p.object(func(key []byte) (uint32, bool) {
		switch string(key) {
		case "id":
			return 1, p.into(&id)
		case "name":
			return 2, p.into(&name)
		}
		return 0, p.skip(2)
	})
	if *field = name; len(name) == 0 {
		*field = id
	}
	return ok
}

func (p *scan) context(e *event) bool {
	return p.object(func(key []byte) (uint32, bool) {
		if string(key) == "assignee" {
			return 1, p.party(&e.context)
		}
		return 0, p.skip(2)
	})
}

func (p *scan) party(into *party) bool {
	return p.object(func(key []byte) (uint32, bool) {
		switch string(key) {
		case "inboxId":
			return 1, p.into(&into.inboxID)
		case "agentId":
			return 2, p.into(&into.agentID)
		}
		return 0, p.skip(2)
	})
}
