mod drive;
mod transcript;
