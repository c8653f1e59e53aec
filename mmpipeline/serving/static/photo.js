// A chosen photo, turned upright and made small before it leaves the browser. Drawing it anew also
// drops its tags, such as where it was taken.

const LONGEST_PX = 1024;
const QUALITY = 0.88;

/**
 * Return a JPEG of at most LONGEST_PX, or the file itself where the browser cannot decode it: the
 * service then says what is wrong with it.
 */
export async function shrink(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file;
  }
  const scale = Math.min(1, LONGEST_PX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // transparency on white, as the service sees it
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY);
  });
}
