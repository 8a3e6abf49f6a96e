//! The patchbay plugin ABI 1.1, as patchbay.h and patchbay/abi.h declare it.
//! What each call means, its errors and how long a result is valid stand there.
//! Not here: calls that take a va_list (bay_sendf, bay_log).
#![allow(dead_code)]

use std::ffi::{c_char, c_int, c_uint, c_void, CStr};

pub const TEXT: c_int = 1;
pub const BINARY: c_int = 2;
pub const OPT_STR: c_int = 1;
pub const OPT_INT: c_int = 2;
pub const OPT_BOOL: c_int = 3;
pub const OPT_BYTES: c_int = 4;
pub const OPT_MS: c_int = 5;
pub const EINVAL: c_int = -2;
pub const EEXISTS: c_int = -9;
pub const UNIQUE: c_uint = 1;
pub const JOINED: c_int = 1;
pub const LEFT: c_int = 2;
pub const UPDATED: c_int = 3;
pub const DISPLACED: c_int = 4;
pub const LISTED: c_int = 5;
pub const CLOSE_UNSUPPORTED: c_int = 1003;

#[repr(C)]
pub struct Route {
    api: &'static Api,
}
#[repr(C)]
pub struct Conn {
    api: &'static Api,
}
#[repr(C)]
pub struct Request {
    api: &'static Api,
}

#[repr(C)]
pub struct Message {
    data: *const c_char,
    len: usize,
    pub kind: c_int,
    pub fin: bool,
}

#[repr(C)]
pub struct Notice {
    topic: *const c_char,
    data: *const c_char,
    len: usize,
    pub kind: c_int,
    pub except: u64,
    pub local: bool,
}

/// One who is in a topic.
#[repr(C)]
pub struct Member {
    pub id: u64,
    label: *const c_char,
    info: *const c_char,
    len: usize,
    pub joined_ms: u64,
}

/// What has become of a member; of LISTED there is none.
#[repr(C)]
pub struct Change {
    topic: *const c_char,
    member: *const Member,
    pub kind: c_int,
}

/// A row of the table of options; the last is OPTION_END.
#[repr(C)]
pub struct Opt {
    pub name: *const c_char,
    pub kind: c_int,
    pub fallback: *const c_char,
    pub help: *const c_char,
    pub min: i64,
    pub max: i64,
}
unsafe impl Sync for Opt {}
pub const OPTION_END: Opt = Opt {
    name: std::ptr::null(),
    kind: 0,
    fallback: std::ptr::null(),
    help: std::ptr::null(),
    min: 0,
    max: 0,
};

#[repr(C)]
pub struct Plugin {
    pub magic: u32,
    pub size: u32,
    pub abi_major: u16,
    pub abi_minor: u16,
    pub option_size: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub summary: *const c_char,
    pub route_size: usize,
    pub conn_size: usize,
    pub options: *const Opt,
    pub subprotocols: *const *const c_char,
    pub flags: u32,
    pub state_version: u32,
    pub start: Option<unsafe extern "C" fn(&mut Route) -> c_int>,
    pub stop: Option<unsafe extern "C" fn(&mut Route)>,
    pub reload: Option<unsafe extern "C" fn(&mut Route)>,
    pub migrate_route:
        Option<unsafe extern "C" fn(&mut Route, *const c_void, usize, u32) -> c_int>,
    pub migrate_conn:
        Option<unsafe extern "C" fn(&mut Conn, *const c_void, usize, u32) -> c_int>,
    pub handshake: Option<unsafe extern "C" fn(&mut Conn, &mut Request) -> c_int>,
    pub open: Option<unsafe extern "C" fn(&mut Conn) -> c_int>,
    pub message: Option<unsafe extern "C" fn(&mut Conn, &Message) -> c_int>,
    pub close: Option<unsafe extern "C" fn(&mut Conn, c_int, *const c_char)>,
    pub drained: Option<unsafe extern "C" fn(&mut Conn)>,
    pub timer: Option<unsafe extern "C" fn(&mut Route, u64)>,
    pub notice: Option<unsafe extern "C" fn(&mut Route, &Notice)>,
    pub http: Option<unsafe extern "C" fn(&mut Route, &mut Request) -> c_int>,
    pub presence: Option<unsafe extern "C" fn(&mut Route, &Change)>,
}
unsafe impl Sync for Plugin {}

/// Fill in what you use: Plugin { name: ..., ..PLUGIN }
pub const PLUGIN: Plugin = Plugin {
    magic: 0x31594142,
    size: std::mem::size_of::<Plugin>() as u32,
    abi_major: 1,
    abi_minor: 1,
    option_size: std::mem::size_of::<Opt>() as u32,
    name: std::ptr::null(),
    version: std::ptr::null(),
    summary: std::ptr::null(),
    route_size: 0,
    conn_size: 0,
    options: std::ptr::null(),
    subprotocols: std::ptr::null(),
    flags: 0,
    state_version: 0,
    start: None,
    stop: None,
    reload: None,
    migrate_route: None,
    migrate_conn: None,
    handshake: None,
    open: None,
    message: None,
    close: None,
    drained: None,
    timer: None,
    notice: None,
    http: None,
    presence: None,
};

type Unused = unsafe extern "C" fn();

#[repr(C)]
struct Api {
    size: u32,
    abi_major: u16,
    abi_minor: u16,
    send: unsafe extern "C" fn(*mut Conn, c_int, *const c_void, usize) -> c_int,
    vsendf: Unused,
    close: unsafe extern "C" fn(*mut Conn, c_int, *const c_char) -> c_int,
    pause: unsafe extern "C" fn(*mut Conn, bool),
    conn_id: unsafe extern "C" fn(*const Conn) -> u64,
    conn_data: unsafe extern "C" fn(*const Conn) -> *mut c_void,
    conn_route: unsafe extern "C" fn(*const Conn) -> *mut Route,
    conn_remote: unsafe extern "C" fn(*const Conn) -> *const c_char,
    conn_path: unsafe extern "C" fn(*const Conn) -> *const c_char,
    conn_query: unsafe extern "C" fn(*const Conn, *const c_char) -> *const c_char,
    conn_subprotocol: unsafe extern "C" fn(*const Conn) -> *const c_char,
    conn_tail: unsafe extern "C" fn(*const Conn) -> *const c_char,
    conn_header: unsafe extern "C" fn(*const Conn, *const c_char) -> *const c_char,
    conn_backlog: unsafe extern "C" fn(*const Conn) -> usize,
    conn_facts: Unused,
    req_method: unsafe extern "C" fn(*const Request) -> *const c_char,
    req_remote: unsafe extern "C" fn(*const Request) -> *const c_char,
    req_path: unsafe extern "C" fn(*const Request) -> *const c_char,
    req_query: unsafe extern "C" fn(*const Request, *const c_char) -> *const c_char,
    req_header: unsafe extern "C" fn(*const Request, *const c_char) -> *const c_char,
    req_body: unsafe extern "C" fn(*const Request) -> *const Message,
    req_add_header:
        unsafe extern "C" fn(*mut Request, *const c_char, *const c_char) -> c_int,
    req_reply: unsafe extern "C" fn(
        *mut Request,
        c_int,
        *const c_char,
        *const c_void,
        usize,
    ) -> c_int,
    route_name: unsafe extern "C" fn(*const Route) -> *const c_char,
    route_path: unsafe extern "C" fn(*const Route) -> *const c_char,
    route_worker: unsafe extern "C" fn(*const Route) -> c_int,
    route_data: unsafe extern "C" fn(*const Route) -> *mut c_void,
    route_count: unsafe extern "C" fn(*const Route) -> usize,
    route_find: unsafe extern "C" fn(*const Route, u64) -> *mut Conn,
    route_next: unsafe extern "C" fn(*const Route, *const Conn) -> *mut Conn,
    conf_str: unsafe extern "C" fn(*const Route, *const c_char) -> *const c_char,
    conf_int: unsafe extern "C" fn(*const Route, *const c_char) -> i64,
    send_to:
        unsafe extern "C" fn(*mut Route, u64, c_int, *const c_void, usize) -> c_int,
    close_id: unsafe extern "C" fn(*mut Route, u64, c_int, *const c_char) -> c_int,
    subscribe: unsafe extern "C" fn(*mut Conn, *const c_char) -> c_int,
    unsubscribe: unsafe extern "C" fn(*mut Conn, *const c_char) -> c_int,
    listen: unsafe extern "C" fn(*mut Route, *const c_char) -> c_int,
    unlisten: unsafe extern "C" fn(*mut Route, *const c_char) -> c_int,
    publish: unsafe extern "C" fn(
        *mut Route,
        *const c_char,
        c_int,
        *const c_void,
        usize,
        u64,
    ) -> c_int,
    timer_set: unsafe extern "C" fn(*mut Route, u64, u64) -> c_int,
    timer_clear: unsafe extern "C" fn(*mut Route, u64) -> c_int,
    now_ms: unsafe extern "C" fn(*const Route) -> u64,
    defer: Unused,
    vlog: Unused,
    join: unsafe extern "C" fn(
        *mut Conn,
        *const c_char,
        *const c_char,
        *const c_void,
        usize,
        c_uint,
    ) -> c_int,
    leave: unsafe extern "C" fn(*mut Conn, *const c_char) -> c_int,
    watch: unsafe extern "C" fn(*mut Route, *const c_char, bool) -> c_int,
    member_next: unsafe extern "C" fn(
        *const Route,
        *const c_char,
        *const Member,
    ) -> *const Member,
    member_find: unsafe extern "C" fn(
        *const Route,
        *const c_char,
        *const c_char,
    ) -> *const Member,
    member_count: unsafe extern "C" fn(*const Route, *const c_char) -> usize,
    history: unsafe extern "C" fn(*mut Conn, *const c_char, c_uint) -> c_int,
}

// What tests/abi holds the header to.
const _: () = {
    assert!(std::mem::size_of::<Plugin>() == 192);
    assert!(std::mem::size_of::<Opt>() == 48);
    assert!(std::mem::size_of::<Message>() == 24);
    assert!(std::mem::size_of::<Notice>() == 48);
    assert!(std::mem::size_of::<Member>() == 40);
    assert!(std::mem::size_of::<Change>() == 24);
    assert!(std::mem::size_of::<Api>() == 8 + 51 * 8);
};

unsafe fn text<'a>(from: *const c_char) -> &'a str {
    if from.is_null() {
        return "";
    }
    CStr::from_ptr(from).to_str().unwrap_or("")
}

impl Message {
    pub fn bytes(&self) -> &[u8] {
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) }
    }
    /// The host has checked that text is UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }
}

impl Member {
    pub fn label(&self) -> &str {
        unsafe { text(self.label) }
    }
    pub fn info(&self) -> &[u8] {
        unsafe { std::slice::from_raw_parts(self.info.cast(), self.len) }
    }
}

impl Change {
    pub fn topic(&self) -> &CStr {
        unsafe { CStr::from_ptr(self.topic) }
    }
    pub fn member(&self) -> Option<&Member> {
        unsafe { self.member.as_ref() }
    }
}

impl Conn {
    pub fn send_text(&mut self, data: &str) -> c_int {
        unsafe { (self.api.send)(self, TEXT, data.as_ptr().cast(), data.len()) }
    }
    pub fn send_binary(&mut self, data: &[u8]) -> c_int {
        unsafe { (self.api.send)(self, BINARY, data.as_ptr().cast(), data.len()) }
    }
    pub fn close(&mut self, code: c_int, reason: &CStr) -> c_int {
        unsafe { (self.api.close)(self, code, reason.as_ptr()) }
    }
    pub fn id(&self) -> u64 {
        unsafe { (self.api.conn_id)(self) }
    }
    pub fn remote(&self) -> &str {
        unsafe { text((self.api.conn_remote)(self)) }
    }
    pub fn query(&self, name: &CStr) -> Option<&str> {
        let found = unsafe { (self.api.conn_query)(self, name.as_ptr()) };

        if found.is_null() { None } else { Some(unsafe { text(found) }) }
    }
    pub fn subscribe(&mut self, topic: &CStr) -> c_int {
        unsafe { (self.api.subscribe)(self, topic.as_ptr()) }
    }
    /// The last messages of a topic it has just subscribed to.
    pub fn history(&mut self, topic: &CStr, max: c_uint) -> c_int {
        unsafe { (self.api.history)(self, topic.as_ptr(), max) }
    }
    /// flags: UNIQUE or 0.
    pub fn join(
        &mut self,
        topic: &CStr,
        label: &CStr,
        info: &[u8],
        flags: c_uint,
    ) -> c_int {
        unsafe {
            (self.api.join)(
                self,
                topic.as_ptr(),
                label.as_ptr(),
                info.as_ptr().cast(),
                info.len(),
                flags,
            )
        }
    }
    pub fn leave(&mut self, topic: &CStr) -> c_int {
        unsafe { (self.api.leave)(self, topic.as_ptr()) }
    }
    pub fn route(&self) -> &mut Route {
        unsafe { &mut *(self.api.conn_route)(self) }
    }
    /// The block of conn_size bytes, zeroed at first.
    ///
    /// # Safety
    /// T is the type whose size the descriptor names, all zeros are a value of
    /// it, and no other reference to it is alive.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn data<T>(&self) -> &mut T {
        &mut *(self.api.conn_data)(self).cast::<T>()
    }
}

impl Route {
    pub fn conf_str(&self, name: &CStr) -> &str {
        unsafe { text((self.api.conf_str)(self, name.as_ptr())) }
    }
    pub fn conf_int(&self, name: &CStr) -> i64 {
        unsafe { (self.api.conf_int)(self, name.as_ptr()) }
    }
    pub fn publish(&mut self, topic: &CStr, data: &str, except: u64) -> c_int {
        unsafe {
            (self.api.publish)(
                self,
                topic.as_ptr(),
                TEXT,
                data.as_ptr().cast(),
                data.len(),
                except,
            )
        }
    }
    pub fn send_to(&mut self, id: u64, data: &str) -> c_int {
        let bytes = data.as_ptr().cast();

        unsafe { (self.api.send_to)(self, id, TEXT, bytes, data.len()) }
    }
    pub fn close_id(&mut self, id: u64, code: c_int, reason: &CStr) -> c_int {
        unsafe { (self.api.close_id)(self, id, code, reason.as_ptr()) }
    }
    /// To hear who is in a topic without being in it.
    pub fn watch(&mut self, topic: &CStr, on: bool) -> c_int {
        unsafe { (self.api.watch)(self, topic.as_ptr(), on) }
    }
    /// Those who are in a topic that this instance has joined or watches. Valid
    /// until the hook returns: change no member in between.
    pub fn members<'a>(&'a self, topic: &'a CStr) -> impl Iterator<Item = &'a Member> {
        let mut after: *const Member = std::ptr::null();

        std::iter::from_fn(move || unsafe {
            after = (self.api.member_next)(self, topic.as_ptr(), after);
            after.as_ref()
        })
        .fuse()
    }
    pub fn member(&self, topic: &CStr, label: &CStr) -> Option<&Member> {
        unsafe {
            (self.api.member_find)(self, topic.as_ptr(), label.as_ptr()).as_ref()
        }
    }
    pub fn member_count(&self, topic: &CStr) -> usize {
        unsafe { (self.api.member_count)(self, topic.as_ptr()) }
    }
    pub fn timer_set(&mut self, key: u64, delay_ms: u64) -> c_int {
        unsafe { (self.api.timer_set)(self, key, delay_ms) }
    }
}
