package broker

// BetweenPublishAndAck makes the look call do between publishing a copy and acknowledging the original.
func (d *DeadLetters) BetweenPublishAndAck(do func()) { d.published = do }

// Cut ends the look's connection as a broken network would.
func (d *DeadLetters) Cut() { _ = d.conn.raw.Close() }
