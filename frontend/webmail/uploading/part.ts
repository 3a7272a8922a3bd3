// Sending files: of a message that is being written, and of people and events.

export { FileUpload, UploadAborted } from "../../lib/upload";
