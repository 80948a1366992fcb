// Package httpapi serves users, sessions and erasures over HTTP, as openapi.yaml says.
package httpapi

import (
	"net/http"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tizza/tizza/pkg/httpserver"
	"github.com/tizza/tizza/pkg/identity"
	"github.com/tizza/tizza/pkg/setting"
	authv1 "github.com/tizza/tizza/proto/auth/v1"
	problemv1 "github.com/tizza/tizza/proto/problem/v1"
	"github.com/tizza/tizza/services/auth/internal/erasure"
	"github.com/tizza/tizza/services/auth/internal/httpapi/gen"
	"github.com/tizza/tizza/services/auth/internal/user"
)

//go:generate go tool -modfile=../../../../deploy/tools/go.mod oapi-codegen -config gen/config.yaml ../../openapi.yaml

// Cookies writes the cookies that carry sessions; see identity.Authenticator.
type Cookies interface {
	Seal(identity.Session) (*http.Cookie, error)
	Expire() *http.Cookie
}

// API implements the operations of openapi.yaml.
type API struct {
	users    *user.Service
	erasures *erasure.Service
	cookies  Cookies
	pageSize setting.Live[int]
	now      func() time.Time
}

// Register puts the operations on the server.
func Register(server *httpserver.Server, users *user.Service, erasures *erasure.Service, cookies Cookies, pageSize setting.Live[int]) {
	api := &API{users: users, erasures: erasures, cookies: cookies, pageSize: pageSize, now: time.Now}
	gen.RegisterHandlersWithBaseURL(server.Echo, api, httpserver.Base)
}

// Messages are the Protobuf messages of what openapi.yaml describes.
func Messages() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{authv1.File_auth_v1_resources_proto, problemv1.File_problem_v1_problem_proto}
}
