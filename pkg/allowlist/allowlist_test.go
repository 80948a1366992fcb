package allowlist_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tizza/tizza/pkg/allowlist"
)

const (
	foreign   = "the host is not among DISCOVERY_ALLOWED_HOSTS"
	forbidden = "the host is link-local, multicast or unspecified"
	odd       = "the host is an address in an unusual form"
)

func TestAListAllowsWhatItNamesAndNothingLinkLocal(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		list, allowed []string
		refused       map[string]string
	}{
		"an empty one": {nil, []string{"pizza.example", "127.0.0.1", "::1", "10.1.2.3"}, map[string]string{
			"169.254.169.254": forbidden, "::ffff:169.254.169.254": forbidden, "fe80::1": forbidden, "0.0.0.0": forbidden, "224.0.0.1": forbidden,
			"2852039166": odd, "0xa9fea9fe": odd, "169.254.43518": odd,
		}},
		"a name":   {[]string{" Pizza.Example "}, []string{"pizza.example", "PIZZA.example."}, map[string]string{"a.pizza.example": foreign, "127.0.0.1": foreign}},
		"a domain": {[]string{".example"}, []string{"pizza.example", "a.b.example"}, map[string]string{"example": foreign, "anexample": foreign}},
		"addresses": {[]string{"10.0.0.0/8", "[::1]", "169.254.0.0/16"}, []string{"10.255.0.1", "::1", "::ffff:10.0.0.1"}, map[string]string{
			"11.0.0.1": foreign, "pizza.example": foreign, "169.254.169.254": forbidden, "10.1": odd,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list, err := allowlist.Parse(test.list)
			require.NoError(t, err)
			for _, host := range test.allowed {
				assert.NoError(t, list.Allows(host), host)
			}
			for host, reason := range test.refused {
				assert.EqualError(t, list.Allows(host), reason, host)
			}
		})
	}
}

func TestAListOfWhatIsNoHostIsRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", "http://x", "x:80", "a b", "*.example", "me@x"} {
		_, err := allowlist.Parse([]string{"good.example", host})
		require.ErrorContains(t, err, "DISCOVERY_ALLOWED_HOSTS: must be names", host)
	}
}

func TestANameThatTurnsOutToBeLinkLocalIsNotDialed(t *testing.T) {
	t.Parallel()
	for address, refused := range map[string]bool{
		"169.254.169.254:5672": true, "[fe80::1%eth0]:5672": true, "[ff02::1]:5672": true, "0.0.0.0:5672": true, "[::ffff:169.254.0.1]:5672": true,
		"nonsense": true, "127.0.0.1:5672": false, "10.1.2.3:5672": false, "[::1]:5672": false,
	} {
		assert.Equal(t, refused, allowlist.Control("tcp", address, nil) != nil, address)
	}
}
