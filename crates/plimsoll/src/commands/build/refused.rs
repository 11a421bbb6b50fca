//! Docker's flags that plimsoll cannot do, each refused with its reason rather than as unknown.
//!
//! A value that asks for nothing (`--cache-from=`) is taken: nothing is what comes.

/// Flags that are refused, unless they ask for nothing.
#[derive(clap::Args)]
pub(crate) struct RefusedArgs {
    #[arg(long, hide = true, value_name = "SPEC", value_parser = cache)]
    cache_from: Vec<Nothing>,
    #[arg(long, hide = true, value_name = "SPEC", value_parser = cache)]
    cache_to: Vec<Nothing>,
    #[arg(long, hide = true, value_name = "SPEC", value_parser = policy)]
    policy: Vec<Nothing>,
    #[arg(long, hide = true, value_name = "NAME", value_parser = builder)]
    builder: Option<Nothing>,
}

/// What a value that asks for nothing becomes.
#[derive(Clone, Debug)]
struct Nothing;

type Parsed = Result<Nothing, &'static str>;

fn cache(value: &str) -> Parsed {
    refuse(
        value.is_empty(),
        "every step is cached in the store of this machine; caches elsewhere are not read or written yet",
    )
}

fn policy(_: &str) -> Parsed {
    Err("policies about sources are not read")
}

fn builder(_: &str) -> Parsed {
    Err("there is one builder, this program")
}

fn refuse(asks_for_nothing: bool, reason: &'static str) -> Parsed {
    if asks_for_nothing { Ok(Nothing) } else { Err(reason) }
}
