mod abuse;
mod calls;
mod chunks;
mod drive;
mod limits;
mod secure;
mod smuggling;
mod transcript;
