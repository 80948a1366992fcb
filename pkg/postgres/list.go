package postgres

import (
	"fmt"
	"math"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/tizza/tizza/pkg/page"
)

// list makes the statements that read one.
type list struct {
	db      *gorm.DB
	order   Order
	table   string
	columns string
	filter  clause.Expression // nil: the whole table
}

func listOf[T any](query *gorm.DB, order Order) (list, error) {
	statement := &gorm.Statement{DB: query}
	if err := statement.Parse(new(T)); err != nil {
		return list{}, fmt.Errorf("read a window: %w", err)
	}
	l := list{
		db: query.Session(&gorm.Session{NewDB: true}), order: order,
		table: statement.Schema.Table, columns: strings.Join(statement.Schema.DBNames, ", "),
	}
	if where, filtered := query.Statement.Clauses["WHERE"].Expression.(clause.Where); filtered {
		l.filter = clause.And(where.Exprs...)
	}
	return l, nil
}

// rows reads the columns of one row more than the window has. The limit is no parameter, since the planner has to know
// that it is small.
func (l list) rows(columns string, w page.Window) *gorm.DB {
	direction, after := "", ">"
	if l.descending(w) {
		direction, after = " DESC", "<"
	}
	with, count, where, offset := expr(""), l.count(), l.where(expr("")), expr("")
	switch {
	case w.Cursor != nil:
		where = l.where(expr(l.order.Key+" "+after+" ?", w.Cursor.Key))
	case w.Offset > 0 && l.wholeTally():
		with, count = expr(seek, l.table, w.Offset, l.order.Descending), expr("SELECT count FROM block")
		where = l.where(expr(l.order.Key + " " + after + "= (" + fmt.Sprintf(start, l.order.Key, l.table) + ")"))
	case w.Offset > 0:
		offset = expr(" OFFSET ?", w.Offset)
	}
	return l.db.Raw(fmt.Sprintf("?SELECT %s, (?) AS list_count, (?) AS list_beyond FROM %s? ORDER BY %s%s LIMIT %d?",
		columns, l.table, l.order.Key, direction, w.Limit+1), with, count, l.beyond(w), where, offset)
}

// The row at an offset of a whole table is found in two steps: a block of rows by the tallies, and the row in it.
const (
	seek  = "WITH block AS MATERIALIZED (SELECT * FROM tally_seek(?, ?, ?)) "
	start = `SELECT %[1]s FROM %[2]s WHERE %[1]s BETWEEN (SELECT first FROM block) AND (SELECT last FROM block)
		ORDER BY %[1]s OFFSET (SELECT rest FROM block) LIMIT 1`
)

// about reads what rows says of the list if there are any.
func (l list) about(w page.Window) *gorm.DB {
	return l.db.Raw("SELECT (?) AS list_count, (?) AS list_beyond", l.count(), l.beyond(w))
}

func (l list) count() clause.Expr {
	if l.wholeTally() {
		return expr("SELECT tally_count('" + l.table + "')")
	}
	return expr("SELECT count(*) FROM "+l.table+"?", l.where(clause.Expr{}))
}

// beyond says whether there are rows on the side from which the window is entered, if there are any at all.
func (l list) beyond(w page.Window) clause.Expr {
	switch before := "<="; {
	case w.Cursor == nil && w.Offset > 0:
		return expr("true")
	case w.Cursor == nil:
		return expr("false")
	default:
		if l.descending(w) {
			before = ">="
		}
		return expr("EXISTS (SELECT FROM "+l.table+"?)", l.where(expr(l.order.Key+" "+before+" ?", w.Cursor.Key)))
	}
}

// where is the filter and a condition, with the word before it.
func (l list) where(condition clause.Expr) clause.Expr {
	switch {
	case l.filter == nil && condition.SQL == "":
		return condition
	case l.filter == nil:
		return expr(" WHERE ?", condition)
	case condition.SQL == "":
		return expr(" WHERE ?", l.filter)
	}
	return expr(" WHERE (?) AND ?", l.filter, condition)
}

// descending says whether the window is read from higher to lower keys.
func (l list) descending(w page.Window) bool {
	return l.order.Descending != (w.Cursor != nil && w.Cursor.Back)
}

// around is where the neighbours begin of a cursor that leads to nothing: one has the row at the cursor, if it is there.
func (l list) around(w page.Window) (first, last int64) {
	first, last = w.Cursor.Key, w.Cursor.Key
	next := &first
	if w.Cursor.Back {
		next = &last
	}
	switch descending := l.descending(w); {
	case descending && *next > math.MinInt64:
		*next--
	case !descending && *next < math.MaxInt64:
		*next++
	}
	return first, last
}

func (l list) wholeTally() bool { return l.filter == nil && l.order.Tallied }

func expr(text string, args ...any) clause.Expr { return clause.Expr{SQL: text, Vars: args} }
