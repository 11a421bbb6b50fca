// Deprecated: use v2.
module github.com/user/project // the module

go 1.21

toolchain go1.21.4

godebug default=go1.21

require github.com/single/line v1.0.0

require (
	github.com/BurntSushi/toml v1.3.2
	github.com/indirect/one v0.0.0-20230101000000-0123456789ab // indirect
	github.com/old/incompatible v2.0.0+incompatible // indirect
	"github.com/quoted/path" v1.1.0
	gopkg.in/yaml.v3 v3.0.1
	github.com/a/replaced v1.0.0
	github.com/a/replaced-at v1.2.0
	github.com/a/replaced-other v1.2.0
	github.com/a/local v0.0.0
)

require(
	github.com/no/space v0.1.0
)

exclude github.com/single/line v0.9.0

replace (
	github.com/a/replaced => github.com/b/fork/v2 v2.3.4
	github.com/a/replaced-at v1.2.0 => github.com/a/replaced-at v1.2.1
	github.com/a/replaced-other v1.1.0 => github.com/a/replaced-other v1.9.9
)

replace github.com/a/local => ../local

replace github.com/not/required => github.com/not/required v9.9.9

retract (
	v0.1.0 // a mistake
	[v0.2.0, v0.3.0]
)

tool golang.org/x/tools/cmd/stringer
