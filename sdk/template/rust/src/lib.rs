//! What the plugin does, in one line.

mod patchbay;

use patchbay::*;
use std::ffi::{c_char, c_int};

/// One for each connection, zeroed at first. If you change it, raise
/// state_version below: until then a reload keeps it under the new code.
#[repr(C)]
struct Talk {
    count: u32,
}

fn answer(talk: &mut Talk, said: &str) -> String {
    talk.count += 1;
    format!("{}: {}", talk.count, said)
}

/// A client has connected.
unsafe extern "C" fn open(conn: &mut Conn) -> c_int {
    let greeting = conn.route().conf_str(c"greeting");

    conn.send_text(&format!("{greeting} from @NAME@"))
}

/// A client says something: 0 goes on, a close code ends the connection.
unsafe extern "C" fn message(conn: &mut Conn, message: &Message) -> c_int {
    if message.kind != TEXT {
        return CLOSE_UNSUPPORTED;
    }
    let text = answer(conn.data::<Talk>(), message.text());

    conn.send_text(&text)
}

/// The connection has ended, one way or another.
unsafe extern "C" fn close(_conn: &mut Conn, _code: c_int, _reason: *const c_char) {}

/// What the INI file may set: @NAME@.greeting in a [route.*] section.
static OPTIONS: [Opt; 2] = [
    Opt {
        name: c"greeting".as_ptr(),
        kind: OPT_STR,
        fallback: c"hello".as_ptr(),
        help: c"what a client is greeted with".as_ptr(),
        min: 0,
        max: 0,
    },
    OPTION_END,
];

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static bay_plugin_descriptor: Plugin = Plugin {
    name: c"@NAME@".as_ptr(),
    version: c"0.1.0".as_ptr(),
    summary: c"greets, and counts what a client says".as_ptr(),
    conn_size: std::mem::size_of::<Talk>(),
    options: OPTIONS.as_ptr(),
    state_version: 1,
    open: Some(open),
    message: Some(message),
    close: Some(close),
    ..PLUGIN
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let mut talk = Talk { count: 0 };

        assert_eq!(answer(&mut talk, "one"), "1: one");
        assert_eq!(answer(&mut talk, "two"), "2: two");
    }
}
